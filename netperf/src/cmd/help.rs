//! What does `--help` say beyond the list of options?

/// What the program is.
pub(super) const ABOUT: &str = "\
Shows which process moves how many bytes over the network: TCP and UDP, IPv4 and IPv6, every network
namespace, loopback included. The kernel counts at the sockets, so the figures are the payload that
processes really sent and received, exact to the byte, also for processes that live only for
milliseconds.

On a terminal, a view fills the screen: q ends it, ? shows the keys. In a pipe it becomes plain text;
--json makes it one JSON object a line. It needs root or the capabilities CAP_BPF, CAP_PERFMON and
CAP_NET_ADMIN.";

/// Examples of the program.
pub(super) const MAIN: &str = "\
Examples:
  sudo netperf-trace top                    who uses the bandwidth, live
  sudo netperf-trace flows                  with whom: every connection
  sudo netperf-trace retrans                what is lost, whose it is, and why
  sudo netperf-trace latency                how long it takes to connect and to get an answer
  sudo netperf-trace sockets -tl            who listens, and who waits to be accepted
  sudo netperf-trace states                 TIME_WAIT, CLOSE_WAIT, full queues: is it bad?
  sudo netperf-trace limit --pid 8821 20MB  throttle this process, now, both ways
  sudo netperf-trace path example.org       the way there: loss, delay, jitter, and where
  sudo netperf-trace top -b -n 1 -d 10      one table of the next ten seconds
  sudo netperf-trace top --json | jq .      for programs
  netperf-trace dns example.org             how fast do the resolvers answer?
  netperf-trace http https://example.org/   where does the time of a request go?
  sudo netperf-trace doctor --kernel        will it run on this machine?

Exit status:
  0 fine, 1 failed, 2 wrong usage, 3 not allowed, 4 this kernel lacks something, 5 a check failed";

/// What `top` is.
pub(super) const TOP_ABOUT: &str = "\
Shows the bytes that each process handed to its sockets (SENT) and took from them (RECEIVED), the
largest first. These are payload bytes: headers and retransmissions are not in them.

A process that has ended is shown in the tick in which it moved bytes. What no process can be named
for is in the row [kernel] with PID 0.";

/// Examples of `top`.
pub(super) const TOP: &str = "\
Examples:
  sudo netperf-trace top                          live, on the whole screen
  sudo netperf-trace top --sort rx --rows 5 -b    the five that receive most, as text
  sudo netperf-trace top --name '^(nginx|php)'    only these
  sudo netperf-trace top --cgroup /system.slice   only services
  sudo netperf-trace top --connections -b -n 1    with the connections of each
  sudo netperf-trace top --json --duration 60     a minute for a program

Keys:
  q quit            s sent            a rates or totals   up, k     previous
  ? help            r received        l command line      down, j   next
  / filter          t total           m units             Enter     its connections
  space pause       Tab next view     L limit it        U lift the limit";

/// What `flows` is.
pub(super) const FLOWS_ABOUT: &str = "\
Shows each connection with its process: the speed over the tick, and averages over the last 2, 10 and
40 seconds. UDP sockets without a fixed remote host have a `*` there.

Local and remote are seen from the socket's owner: a connection within this host is there twice, once
from each end.";

/// Examples of `flows`.
pub(super) const FLOWS: &str = "\
Examples:
  sudo netperf-trace flows                         live, on the whole screen
  sudo netperf-trace flows --by remote -b          by remote host, as text
  sudo netperf-trace flows --port 443 --resolve    with host names
  sudo netperf-trace flows --remote 10.0.0.0/8     only with these hosts
  sudo netperf-trace flows --iface eth0 --proto udp
  sudo netperf-trace flows -p 8821 --json";

/// What `retrans` is.
pub(super) const RETRANS_ABOUT: &str = "\
Shows what TCP had to send again, by connection, process and remote host: how many segments, which share
of those sent, and why. rto: nothing came back in time. fast: what came back showed a gap. tlp: the end of
a burst was sent again early. syn, synack: a connection could not be opened at once. One event may stand
for several segments; the segments are the kernel's own count (RetransSegs, TCP_INFO).

Resets are shown with their sender, and packets that the kernel threw away with the reason in plain words.
Both are collected for this command only. Retransmissions of a connection belong to the process that used
it last, or that holds it, also after it was closed.";

/// Examples of `retrans`.
pub(super) const RETRANS: &str = "\
Examples:
  sudo netperf-trace retrans                           what is lost, once a second
  sudo netperf-trace retrans --watch                   each retransmission as it happens
  sudo netperf-trace retrans -n 1 -d 60                the loss of one minute
  sudo netperf-trace retrans --remote 10.0.0.0/8       only to these hosts
  sudo netperf-trace retrans --name '^nginx$' --json   of one program, for programs";

/// What `latency` is.
pub(super) const LATENCY_ABOUT: &str = "\
Shows how long it takes, by process and remote host, without sending anything: the kernel counts real
connections while they work. P50 is the time that half of them stayed below, P99 that of 99 in a hundred.

connect: from the first SYN until the connection is open. One round trip if all is well; a second and more if
the first SYN was lost. rtt: the round-trip time as TCP measures it (srtt), at each segment that
arrives: the network and the other kernel, not its program. accept: from the end of the handshake until the
local program accepts the connection; long if the program is busy, and no matter of the network.

So: long connect and round trips, the network is slow. Short ones and a slow program: it is the program at
the other end, or this one. It is collected for this command only.";

/// Examples of `latency`.
pub(super) const LATENCY: &str = "\
Examples:
  sudo netperf-trace latency                           how long it takes, once a second
  sudo netperf-trace latency --name '^java' -d 10      of one program, over ten seconds each
  sudo netperf-trace latency --remote 10.0.0.10/32 --histogram
  sudo netperf-trace latency -n 1 -d 60 --json         one minute, for programs";

/// What `sockets` is.
pub(super) const SOCKETS_ABOUT: &str = "\
Lists sockets as ss does, in every network namespace that has processes, each with its process, user,
unit and container. Without options these are the TCP, UDP and raw sockets that have a connection; with
-l those that listen, with -a all. It needs no rights; without root, the processes of other users and
other network namespaces are not shown, and the output names what is missing.

Recv-Q and Send-Q show which side is slow when nothing seems busy. For a connection they are bytes that
arrived and were not read, and bytes that were sent and not acknowledged. For a listening socket they are
the clients that wait to be accepted, and how many may wait. --explain puts it in words.

A filter is written as for ss: `src` and `dst` with addresses, `sport` and `dport` with ports, combined
by `and`, `or`, `not` and brackets, read from left to right; `state NAME` and `exclude NAME` may stand in
front. Names of hosts and services are not looked up.

--kill closes what matches, as if the connection had been aborted: the program gets an error from its
socket. UDP sockets are only disconnected. It lists them and waits for confirmation first.

It takes one snapshot, or one a tick if -d, -n or --duration is given.";

/// Examples of `sockets`.
pub(super) const SOCKETS: &str = "\
Examples:
  sudo netperf-trace sockets -tul                      who listens (ss -tulpn)
  sudo netperf-trace sockets -ta                       all of TCP (ss -tanp)
  sudo netperf-trace sockets -ti dst 10.0.0.0/8        what TCP knows (ss -ti)
  sudo netperf-trace sockets -s                        how many (ss -s)
  sudo netperf-trace sockets -t --explain              who does not read, who does not accept
  sudo netperf-trace sockets --state close-wait --name '^java'
  sudo netperf-trace sockets 'sport = :443 and not dst 127.0.0.0/8' -d 2
  sudo netperf-trace sockets -a --json | jq '.sockets[]? | select(.recv_q > 65536)'
  sudo netperf-trace sockets --kill dst 10.0.0.7 dport = :5432";

/// What `states` is.
pub(super) const STATES_ABOUT: &str = "\
Counts the states of all TCP sockets, in every network namespace that has processes, by process and by
remote host, and says what is a problem and what only looks like one: findings with their evidence in
numbers, and advice. The advice is printed, never applied.

  TIME_WAIT    connections that this end closed first wait 60 s. They use up ports, for each destination
               by itself: how many are left, how fast they go, when none will be left, their likely owner.
  CLOSE_WAIT   the other end has closed, the process here has not: which process, how many, which files,
               for how long at least. The cause is always the program.
  LISTEN       clients that wait to be accepted, the backlog for them, and its overflows.
  FIN_WAIT1, FIN_WAIT2, LAST_ACK   connections that this end closes and that do not finish.

Sockets in TIME_WAIT have no owner. The process named for them has connections to the same destination, or
listens on their port: a likely owner, not a known one.

It takes one snapshot, or one a tick if -d, -n or --duration is given; growth needs two. With
ticks it also counts calls that the kernel refuses for want of a port or an address (connect with
EADDRNOTAVAIL, bind with EADDRINUSE or EADDRNOTAVAIL), as they happen and by process: that ports ran out
is proven then, not guessed. A single snapshot attaches nothing to the kernel.

With --watch it prints a line for each transition of a connection as it happens, and once a tick how many
connections entered each state, by process and destination. No hook reports TIME_WAIT: the transition
before it gives its beginning, a listing of the sockets its end. --sample 1/100 follows one connection in
a hundred. --watch needs root or the capabilities that `top` needs.

The rest needs no rights; without root, the output leaves out the processes of other users, other network
namespaces and refused calls, and names what is missing.";

/// Examples of `states`.
pub(super) const STATES: &str = "\
Examples:
  sudo netperf-trace states                        what piles up, and is it bad?
  sudo netperf-trace states -d 5 -n 3              and does it grow? Do calls fail for want of a port?
  sudo netperf-trace states --state CLOSE_WAIT     who does not close?
  sudo netperf-trace states --remote 10.0.0.10     only with this host
  sudo netperf-trace states --netns 8821           in the container of this process
  sudo netperf-trace states --watch --port 5432    who opens and closes connections to the database?
  sudo netperf-trace states --watch --state TIME_WAIT --sample 1/100
  sudo netperf-trace states --json | jq '.findings[]? | select(.level != \"ok\")'";

/// What `nic` is.
pub(super) const NIC_ABOUT: &str = "\
Shows each network interface: its link (speed, duplex, MTU), what it carries and how much of its
speed that is, errors and drops, the queue of what is to be sent, and what each processor takes
from all of them. Each counter that is not zero is explained in a line, with the first thing to
do. Findings come first: a full interface and the processes that fill it, half duplex, a link that
is slower than it could be, counters that grow.

ERRORS and DROPS are those of the tick. RX % and TX % are shares of the speed, with what frames
take up on the cable beside their bytes. A speed in brackets is one that the driver makes up
(veth, bridges): it is no limit, and there is no share of it.

It measures one tick of a second and ends; on a terminal it goes on until q or Ctrl-C, and
elsewhere if -d, -n or --duration is given. It needs no rights, but for the processes that fill an
interface and for other network namespaces.

--fail-if ends it with status 5 if one of its conditions holds for an interface in any tick: errors,
drops, or the share of its speed that is used (util, in percent), each with <, <=, > or >=. Drops are
those of the interface and of its queue.";

/// Examples of `nic`.
pub(super) const NIC: &str = "\
Examples:
  netperf-trace nic                            each interface, and is anything wrong with it?
  netperf-trace nic -i eth0 -d 5 -n 12         one of them for a minute
  netperf-trace nic --driver -i eth0           with the counters of its driver
  sudo netperf-trace nic --netns all           also in containers
  netperf-trace nic -n 10 -b --fail-if 'errors>0,drops>0,util>=90%' || echo look at it
  netperf-trace nic --json | jq '.interfaces[]? | {name, rx_percent, tx_percent}'";

/// How `limit` is called.
pub(super) const LIMIT_USAGE: &str = "\
netperf-trace limit [--pid PID]... [--name REGEX] RATE
       netperf-trace limit --unit NAME|--cgroup PATH|--container ID [--up RATE] [--down RATE]
       netperf-trace limit RATE -- CMD [ARG]...
       netperf-trace limit list
       netperf-trace limit set --id N RATE
       netperf-trace limit clear --id N|--pid PID|--all";

/// What `limit` is.
pub(super) const LIMIT_ABOUT: &str = "\
Holds a running process to a rate, without restarting it and without loss: what it sends and receives
over TCP and UDP, IPv4 and IPv6, on connections that are open already and on those to come. The
processes that it has started and will start are included. Several processes share one limit. No other
process is slowed: the interface keeps its queue and its filters as they are.

The rate is payload, as top shows it, with a unit: 20MB is 20 000 000 bytes a second, 160Mbit the same in
bits. It may be 10kB to 10GB. RATE is for each direction; --up and --down set one and leave the other
free. Traffic within this host is not limited unless --loopback is given.

It holds as long as this command runs: q or Ctrl-C lifts it, + and - change it by a tenth. When it ends,
however it ends, kill -9 included, the process is at full speed again and nothing is left behind. (Before
Linux 6.6 a second process waits to clean up after one that is killed.)
--detach holds it in the background; list shows all limits, set changes one, clear ends one.

A socket that a limited process passes to another one stays limited, until the limit ends. Of several limits on
one process the tightest holds. What the process moves over loopback, or another process moves for it (a proxy,
a database, the kernel's NFS), is not its own traffic and is not limited.

Limiting needs root.";

/// Examples of `limit`.
pub(super) const LIMIT: &str = "\
Examples:
  sudo netperf-trace limit --pid 9821 20MB               both ways, until Ctrl-C
  sudo netperf-trace limit --pid 9821 --up 5MB --for 10m only what it sends, for ten minutes
  sudo netperf-trace limit --pid 9821 20MB --dry-run     what would be done, and what would suffer?
  sudo netperf-trace limit --name '^rsync$' 20MB --detach
  sudo netperf-trace limit --unit backup 160Mbit         a service of systemd, all its processes
  sudo netperf-trace limit 1MB -- curl -O https://example.org/big
  sudo netperf-trace limit --pid 9821 20MB --check       does it reach the rate? Status 5 if not
  sudo netperf-trace limit --pid 9821 20MB --check='off<2%'
  sudo netperf-trace limit list                          all limits of this machine
  sudo netperf-trace limit set --id 1 5MB                another rate, at once
  sudo netperf-trace limit clear --all                   everything at full speed

The line while it holds: rate/limit of each direction, the total, the delay that the queue adds, packets
that found no room in it, processes and sockets, the time left.

Exit status: 0 lifted, also if the process has ended; 2 wrong usage; 3 not allowed; 4 this kernel lacks
something, and nothing was changed; 5 --check missed the rate. With a command: its own status.";

/// What `path` is.
pub(super) const PATH_ABOUT: &str = "\
Probes the way to a host as mtr, traceroute and ping do together: each router with loss and times, the
destination with percentiles, and in words what they mean. A router that does not answer is not loss;
loss and delay that begin somewhere and last to the end are named with that hop.

Probes are ICMP echo, or UDP, or TCP SYNs, over IPv4 or IPv6. All of them look like one flow to the
routers, so that load balancing does not mix several ways. A destination that never answers is exit
status 5, as is a broken --fail-if.";

/// Examples of `path`.
pub(super) const PATH: &str = "\
Examples:
  sudo netperf-trace path example.org                        live, on the whole screen
  sudo netperf-trace path example.org --report -c 100        100 cycles, then a report
  sudo netperf-trace path example.org --tcp 443 --report     the way of HTTPS, through its filters
  sudo netperf-trace path example.org --report --mtu         and the largest packet that passes
  sudo netperf-trace path example.org --report --all         every address of the host
  sudo netperf-trace path --of-process 8821 --report         where this process talks to most
  sudo netperf-trace path example.org --report --fail-if 'loss>=1%,avg>200ms,p95>300ms'

Metrics of --fail-if: loss, min, avg, max, mdev, jitter, p50, p95, p99, hops, mtu, each with <, <=, >
or >=.
Times need a unit: us, ms or s.

Keys:
  q quit        Tab next address      up, down  scroll      space pause";

/// How `dns` is called.
pub(super) const DNS_USAGE: &str = "\
netperf-trace dns [OPTIONS] NAME [TYPE] [@SERVER[:PORT]]...
       netperf-trace dns --watch [--pid PID]... [OPTIONS]";

/// What `dns` is.
pub(super) const DNS_ABOUT: &str = "\
Queries each resolver of /etc/resolv.conf, and those named with @, several times for a name, and
shows how long the answers take, what they are, and what is wrong: silent, slow, failing or differing
resolvers, truncated answers, AAAA that is lost where A is not. Without a type it queries A and AAAA,
as programs do, and sends both together as the C library does. For an address it looks up the name.

Before that it makes one lookup as programs do: /etc/hosts, search domains and ndots, one resolver
after the other, retries and timeouts of /etc/resolv.conf; with all queries that it took. It is
made of real queries, so the first may fill a cache that the later ones are answered from. Sources
of /etc/nsswitch.conf other than files and dns are named, not used.

A time runs from sending until the whole answer is here; a truncated answer counts with the query
over TCP that follows. A resolver that is silent for its first three queries gets no more. It needs
no rights. It runs once, or once a tick if -d, -n or --duration is given.

With --watch it sends nothing and shows the queries of processes: each query to port 53 as it ends,
over UDP and TCP, in every network namespace, with its process, resolver, result, time and retries;
and once a tick the queries and waiting times of each process. It needs no help of the C library, so
it sees every sender: programs in Go, containers, and what a resolver on this machine forwards to
others. --timeout sets how long to wait for an answer (5 s). Queries that are encrypted (DoT, DoH)
are not seen. --watch needs root or the capabilities that `top` needs.";

/// Examples of `dns`.
pub(super) const DNS: &str = "\
Examples:
  netperf-trace dns example.org                    who answers, how fast, what does a lookup cost?
  netperf-trace dns example.org MX -c 20           mail servers, 20 queries to each resolver
  netperf-trace dns db @192.0.2.1                  compared with another resolver
  netperf-trace dns db.example.org @192.0.2.1 --only --tcp
  netperf-trace dns 192.0.2.7                      the name of an address
  netperf-trace dns example.org -d 60 --json       once a minute, for programs
  sudo netperf-trace dns --watch                   what do processes look up?
  sudo netperf-trace dns --watch --pid 8821        this one?

Exit status:
  0 the name was found and every resolver answers; 2 wrong usage; 3, 4 --watch is not allowed, or
  not possible here; 5 there is no such name or record, or a resolver does not answer or fails:
  stderr names it.";

/// What `http` is.
pub(super) const HTTP_ABOUT: &str = "\
Requests a URL and shows how long each phase took: looking the name up (dns), connecting TCP
(connect), agreeing on TLS (tls), handing over the request (request), waiting for the first byte
(wait), and reading the rest (body); as bars, with the longest phase named and its usual causes.
The ends of the phases are the times of curl -w, which --json has under curl's names, cumulative
and in seconds. Several requests (-c) are timed one by one, each on a connection of its own unless
--keep-alive is given; TLS sessions are resumed where the server allows it, and the output shows
which were. Percentiles are those of requests that finished.

Names are looked up as dns does it: /etc/hosts, then the resolvers. IPv6 and IPv4 addresses are
tried in turn; the next one after 250 ms. Certificates are checked against Mozilla's list and the
authorities of this machine. Redirects are not followed, proxies are not used, and bodies are
counted and thrown away. It needs no rights. It runs once, or once a tick if -d, -n or --duration
is given.";

/// Examples of `http`.
pub(super) const HTTP: &str = "\
Examples:
  netperf-trace http https://example.org/                where does the time go?
  netperf-trace http https://example.org/ -c 20          and is it always so?
  netperf-trace http https://example.org/ -c 20 --keep-alive
  netperf-trace http https://example.org/ --all          each address of the host
  netperf-trace http https://example.org/ --resolve example.org:443:192.0.2.7
  netperf-trace http https://example.org/ -c 20 --slo 'total<=500ms,ttfb<200ms'
  netperf-trace http http://192.0.2.7:8080/health -H 'Host: example.org' -d 10 --json

Exit status:
  0 every request got an answer below status 500, within the limits of --slo; 2 wrong usage;
  5 otherwise: stderr has the reason.";

/// What `doctor` is.
pub(super) const DOCTOR_ABOUT: &str = "\
Finds the most likely cause of the trouble. It measures for ten seconds, or for the time of --for, and
takes the checks that an expert would take, in that order: processors, disks and memory first,
since it may not be the network at all; then interfaces and the processes that fill them; how long
processes wait for names (DNS), and for which resolver; connect and round-trip times;
retransmissions; connections that stay unclosed; ports; queues of clients; connections that fail,
and with which error; limits and tables of the kernel; large packets that vanish. The first line
names the most likely cause and the process. The evidence follows, with the next command and advice,
then whatever else is wrong, then every check. It changes nothing.

--pid examines one process: does it wait for itself, the receiver, its send buffer, the network, or
an answer? A check that can't be made here is skipped, with the reason; without root that is what
processes send, lose and wait for.

It ends with status 0 if nothing wrong was found, and with 5 if something was.

With --kernel it checks whether this machine can be measured, and how well. Each kind of kernel
hooks is really loaded and attached, and detached again. Queues, filters and interfaces that
bandwidth limits need are made in a private network namespace, and go with it.

Each line begins with its verdict: yes, no, partly or unknown. The reason follows, and after an
arrow what to do. Without root it checks what it can, and names the missing capabilities.

With --kernel it ends with status 0 if bytes can be counted with the requested hooks, and with 5
if not.";

/// Examples of `doctor`.
pub(super) const DOCTOR: &str = "\
Examples:
  sudo netperf-trace doctor                           what is the trouble?
  sudo netperf-trace doctor --for 60s                 it comes and goes
  sudo netperf-trace doctor --pid 8821                what does this process wait for?
  sudo netperf-trace doctor --json | jq -c 'select(.type == \"doctor\") | .causes[]'
  sudo netperf-trace doctor --kernel                  will it run on this machine?
  sudo netperf-trace doctor --kernel --hooks fentry   with hooks of this kind?
  sudo netperf-trace doctor --kernel --json | jq -c 'select(.type == \"preflight\").checks[]'";
