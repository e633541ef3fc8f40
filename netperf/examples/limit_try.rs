#![allow(missing_docs, clippy::print_stdout)]
use netperf::shape::*;
use netperf::units::ByteRate;
use netperf::clock;
fn main() {
    env_logger::init();
    let a: Vec<String> = std::env::args().collect();
    let pid: u32 = a[1].parse().unwrap();
    let r = |s: &str| { let n: u64 = s.parse().unwrap(); (n > 0).then_some(ByteRate(n)) };
    let rates = Rates { up: r(&a[2]), down: r(&a[3]) };
    let secs: u64 = a[4].parse().unwrap();
    let start = netperf::procfs::Procfs::new("/").start(pid).unwrap().to_mono();
    let plan = Plan { id: 3, targets: vec![Target { pid, start }], children: true, cgroup: None, rates, loopback: false, except: vec![] };
    println!("{:?}", Limit::survey(&plan));
    let t0 = clock::now().0;
    let mut l = Limit::begin(plan).unwrap_or_else(|e| panic!("{e:#} {e:?}"));
    println!("begun in {:?}", clock::now().0.since(t0));
    let mut last = (0, 0);
    for i in 0..secs * 20 {
        std::thread::sleep(TEND_EVERY);
        let alive = l.tend().unwrap();
        if alive != Alive::Yes { println!("{alive:?}"); break; }
        if i % 20 == 19 {
            let x = l.read().unwrap();
            let u = x.up.map_or(0, |u| u.bytes); let d = x.down.map_or(0, |u| u.bytes);
            println!("up {:.3} MB/s {:?} down {:.3} MB/s {:?} pids {:?} sockets {}", (u - last.0) as f64 / 1e6, x.up, (d - last.1) as f64 / 1e6, x.down, x.pids, x.sockets);
            last = (u, d);
        }
    }
    l.lift();
    println!("lifted");
}
