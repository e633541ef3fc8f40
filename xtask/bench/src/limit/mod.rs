//! `limit`: how precise it is, what it costs other processes, and how other tools compare.

mod limiter;
mod limiters;
mod precision;
mod side_effects;
mod traffic;

use anyhow::Result;

use super::Bench;
use super::section::Section;

/// Port of the limited stream.
const PORT: u16 = 5001;

/// Runs for each row.
fn repeats(bench: &Bench) -> usize {
    bench.effort.few().min(3)
}

/// Measures all of it.
pub(super) fn measure(bench: &Bench) -> Result<Section> {
    let section = Section::new("A limit on a process that sends at full speed");
    let section = with_side_effects(bench, with_precision(bench, section)?)?;
    Ok(with_tools(bench, section))
}

/// Measures what a limit costs other processes, and how soon a change takes effect.
pub(super) fn measure_side_effects(bench: &Bench) -> Result<Section> {
    with_side_effects(bench, Section::new("What a limit costs other processes"))
}

/// Measures hundreds of connections.
pub(super) fn measure_many(bench: &Bench) -> Result<Section> {
    let (table, missing) = precision::measure_many(bench)?;
    let section = Section::new("Hundreds of connections that share a limit").table(&table);
    Ok(with_remarks(section, &missing))
}

/// Measures other tools.
pub(super) fn measure_tools(bench: &Bench) -> Section {
    with_tools(bench, Section::new("Tools that limit a process"))
}

fn with_precision(bench: &Bench, section: Section) -> Result<Section> {
    let (table, missing) = precision::measure(bench)?;
    let section = section.table(&table).remark(
        "Payload at the receiver, in bins of 100 ms over 3 s, from a second after the limit is reached. It is \
         reached at the first bin within a tenth of the rate, searched every 10 ms; the time is that since the \
         start of the command. Retransmissions are the growth of `RetransSegs` at the sender, less that of \
         `TCPRetransFail`: in the second before, from the command until a second after the limit is reached, \
         and then per second. Over veth, TCP retransmits thousands of segments in vain each second until it is \
         limited. The receiver of datagrams has a buffer of 8 MiB. The path of 20 ms is a relay in user space \
         between two tun devices, with a bottleneck of 1 Gbit/s and a queue of 50 ms; datagrams are sent into \
         it at 120 MB/s. A run in which the hypervisor took more than 2 % of the CPU time is repeated, twice at \
         most.",
    );
    Ok(with_remarks(section, &missing))
}

fn with_side_effects(bench: &Bench, section: Section) -> Result<Section> {
    let table = side_effects::measure(bench)?;
    Ok(section.table(&table).remark(
        "Each is compared with the same traffic without a limit, which the kernel paces to the same rate \
         (`SO_MAX_PACING_RATE`). The bystander is another process that sends over the same interface as fast as \
         it can (in turns of half a second, without and with a limit; time that the hypervisor took does not \
         count), or exchanges requests and responses. CPU time is that of the whole machine.",
    ))
}

fn with_tools(bench: &Bench, section: Section) -> Section {
    let (table, missing) = limiters::measure(bench);
    let section = section.table(&table).remark(
        "A limit of 20 MB/s over veth. Then another process, without a limit, sends over the same interface for \
         2 s. tc limits everything that leaves the interface, headers included; trickle only programs that it \
         starts.",
    );
    with_remarks(section, &missing)
}

fn with_remarks(section: Section, texts: &[String]) -> Section {
    let texts = texts.iter();
    texts.fold(section, |section, text| section.remark(text))
}
