//! How well does `limit` hold a process, what does it take from others, and how do other tools fare?

mod limiter;
mod limiters;
mod precision;
mod side_effects;
mod traffic;

use anyhow::Result;

use super::Bench;
use super::section::Section;

/// Where the stream goes that is held.
const PORT: u16 = 5001;

/// How often each row is played.
fn repeats(bench: &Bench) -> usize {
    bench.effort.few().min(3)
}

/// Measures all of it.
pub(super) fn measure(bench: &Bench) -> Result<Section> {
    let section = Section::new("A limit on a process that is running at full speed");
    let section = with_side_effects(bench, with_precision(bench, section)?)?;
    Ok(with_tools(bench, section))
}

/// Measures what it takes from others, and how soon it obeys.
pub(super) fn measure_side_effects(bench: &Bench) -> Result<Section> {
    with_side_effects(bench, Section::new("What a limit takes from others"))
}

/// Measures hundreds of connections.
pub(super) fn measure_many(bench: &Bench) -> Result<Section> {
    let (table, missing) = precision::measure_many(bench)?;
    let section = Section::new("Hundreds of connections that share a rate").table(&table);
    Ok(with_remarks(section, &missing))
}

/// Measures other tools.
pub(super) fn measure_tools(bench: &Bench) -> Section {
    with_tools(bench, Section::new("Tools that hold a process to a rate"))
}

fn with_precision(bench: &Bench, section: Section) -> Result<Section> {
    let (table, missing) = precision::measure(bench)?;
    let section = section.table(&table).remark(
        "Payload at the receiver in bins of 100 ms: 3 s, from a second after the limit holds. The \
         time until it is held is that from the start of the command to the begin of the first tenth of \
         a second in which the rate is within a tenth of it, looked for each 10 ms. What is sent again is \
         the growth of `RetransSegs` where the sender is, less that of \
         `TCPRetransFail`: in the second before, from the command until a second after the limit holds, \
         and then. Over veth, TCP sends thousands of segments again in vain each second, and does so \
         until it is held. The receiver of datagrams has 8 MiB of room for them. The path of 20 ms is a \
         relay in user space between two tun devices, with a bottleneck of 1 Gbit/s and room for 50 ms \
         in front of it; datagrams are sent into it at 120 MB/s. A run in which the machine's host took \
         more than 2 % of the processors' time is played again, twice at the most.",
    );
    Ok(with_remarks(section, &missing))
}

fn with_side_effects(bench: &Bench, section: Section) -> Result<Section> {
    let table = side_effects::measure(bench)?;
    Ok(section.table(&table).remark(
        "Each is compared with the same traffic without a limit, which the kernel keeps to the rate \
         (`SO_MAX_PACING_RATE`). The \
         bystander is another process that sends over the same interface as fast as it can (in turns \
         of half a second, without and with a limit, time stolen by the machine's host not counted), or asks \
         and waits for answers. CPU time is that of the whole machine.",
    ))
}

fn with_tools(bench: &Bench, section: Section) -> Section {
    let (table, missing) = limiters::measure(bench);
    let section = section.table(&table).remark(
        "To 20 MB/s over veth. Then another process that nobody wants to limit sends over the same \
         interface for 2 s. tc limits what leaves the whole interface, with all headers; trickle only \
         programs that it starts.",
    );
    with_remarks(section, &missing)
}

fn with_remarks(section: Section, texts: &[String]) -> Section {
    let texts = texts.iter();
    texts.fold(section, |section, text| section.remark(text))
}
