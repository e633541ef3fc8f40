//! Which offsets does the kernel side need, and what are they on this kernel?

use netperf_common::kernel::{ByteRecords, Offsets, PacketOffsets, Settings, StateRecord};

use super::btf::{Btf, BtfError};
use crate::procfs::RecordField;

/// Resolves every offset that counting needs.
///
/// # Errors
/// [`BtfError::Missing`] names the first field that this kernel does not have.
pub(super) fn resolve(btf: &Btf<'_>) -> Result<Offsets, BtfError> {
    Ok(Offsets {
        sock_skc_family: btf.offset("sock", "__sk_common.skc_family")?,
        sock_skc_state: btf.offset("sock", "__sk_common.skc_state")?,
        sock_skc_num: btf.offset("sock", "__sk_common.skc_num")?,
        sock_skc_dport: btf.offset("sock", "__sk_common.skc_dport")?,
        sock_skc_daddr: btf.offset("sock", "__sk_common.skc_daddr")?,
        sock_skc_rcv_saddr: btf.offset("sock", "__sk_common.skc_rcv_saddr")?,
        sock_skc_v6_daddr: btf.offset("sock", "__sk_common.skc_v6_daddr")?,
        sock_skc_v6_rcv_saddr: btf.offset("sock", "__sk_common.skc_v6_rcv_saddr")?,
        sock_skc_net: btf.offset("sock", "__sk_common.skc_net")?,
        sock_sk_protocol: btf.offset("sock", "sk_protocol")?,
        sock_sk_type: btf.offset("sock", "sk_type")?,
        sock_sk_flags: btf.offset("sock", "__sk_common.skc_flags")?,
        sock_sk_lock_owned: btf.offset("sock", "sk_lock.owned")?,
        sock_sk_err: btf.offset("sock", "sk_err")?,
        inet_sock_inet_sport: btf.offset("inet_sock", "inet_sport")?,
        net_ns_inum: btf.offset("net", "ns.inum")?,
        tcp_sock_copied_seq: btf.offset("tcp_sock", "copied_seq")?,
        tcp_sock_write_seq: btf.offset("tcp_sock", "write_seq")?,
        tcp_sock_rcv_nxt: btf.offset("tcp_sock", "rcv_nxt")?,
        tcp_sock_bytes_received: btf.offset("tcp_sock", "bytes_received")?,
        tcp_sock_rcvq_space_seq: btf.offset("tcp_sock", "rcvq_space.seq")?,
        tcp_sock_srtt_us: btf.offset("tcp_sock", "srtt_us")?,
        tcp_sock_total_retrans: btf.offset("tcp_sock", "total_retrans")?,
        tcp_sock_segs_out: btf.offset("tcp_sock", "segs_out")?,
        tcp_sock_snd_cwnd: btf.offset("tcp_sock", "snd_cwnd")?,
        inet_connection_sock_icsk_ulp_ops: btf.offset("inet_connection_sock", "icsk_ulp_ops")?,
        socket_sk: btf.offset("socket", "sk")?,
        file_f_inode: btf.offset("file", "f_inode")?,
        file_private_data: btf.offset("file", "private_data")?,
        inode_i_mode: btf.offset("inode", "i_mode")?,
        fdtable_fd: btf.offset("fdtable", "fd")?,
        files_struct_fdt: btf.offset("files_struct", "fdt")?,
        task_struct_files: btf.offset("task_struct", "files")?,
        task_struct_flags: btf.offset("task_struct", "flags")?,
        task_struct_tgid: btf.offset("task_struct", "tgid")?,
        task_struct_cred: btf.offset("task_struct", "cred")?,
        cred_uid: btf.offset("cred", "uid")?,
        task_struct_group_leader: btf.offset("task_struct", "group_leader")?,
        // Named `real_start_time` before 5.5.
        task_struct_start_boottime: btf
            .offset("task_struct", "start_boottime")
            .or_else(|_| btf.offset("task_struct", "real_start_time"))?,
        task_struct_comm: btf.offset("task_struct", "comm")?,
        task_struct_signal: btf.offset("task_struct", "signal")?,
        signal_struct_pids: btf.offset("signal_struct", "pids")?,
        pid_level: btf.offset("pid", "level")?,
        pid_numbers: btf.offset("pid", "numbers")?,
    })
}

/// Where a packet and what it refers to have what.
///
/// # Errors
/// [`BtfError::Missing`] names the first field that this kernel does not have.
pub(super) fn packet(btf: &Btf<'_>) -> Result<PacketOffsets, BtfError> {
    Ok(PacketOffsets {
        head: btf.offset("sk_buff", "head")?,
        network_header: btf.offset("sk_buff", "network_header")?,
        transport_header: btf.offset("sk_buff", "transport_header")?,
        sk_refdst: btf.offset("sk_buff", "_skb_refdst")?,
        dst_entry_dev: btf.offset("dst_entry", "dev")?,
        net_device_nd_net: btf.offset("net_device", "nd_net")?,
    })
}

/// Settings for a run with so many slots that emits neither state changes nor retransmissions one by
/// one.
///
/// # Errors
/// [`BtfError::Missing`] if this kernel does not say where the congestion state is.
pub(super) fn settings(btf: &Btf<'_>, slots: u32) -> Result<Settings, BtfError> {
    let ca_state = btf.field("inet_connection_sock", "icsk_ca_state")?;
    let size = ca_state.bit_size.unwrap_or(8).min(8);
    let is_mptcp = btf.field("tcp_sock", "is_mptcp").ok();
    let bit = is_mptcp.map_or(0, |field| field.bit_offset);
    Ok(Settings {
        slots,
        is_mptcp_offset: bit / 8,
        is_mptcp_mask: is_mptcp.map_or(0, |_| 1 << (bit % 8)),
        ca_state_offset: ca_state.bit_offset / 8,
        ca_state_mask: (1 << size) - 1,
        pending_offset: btf
            .offset("inet_connection_sock", "icsk_pending")
            .unwrap_or(0),
        skb_segs_offset: segments_of_packet(btf).unwrap_or(0),
        ..Settings::default()
    })
}

/// Where TCP keeps with a packet how many segments it is.
fn segments_of_packet(btf: &Btf<'_>) -> Option<u32> {
    let room = btf.field("sk_buff", "cb").ok()?;
    let segments = btf.field("tcp_skb_cb", "tcp_gso_segs").ok()?;
    Some((room.bit_offset + segments.bit_offset) / 8)
}

/// Where the record of `sock/inet_sock_set_state` has what the kernel side reads of it.
///
/// # Errors
/// Names the first field that is not there, or not of the size that is read.
pub(super) fn state_record(fields: &[RecordField]) -> Result<StateRecord, String> {
    let at = |name, size| place(fields, name, size);
    Ok(StateRecord {
        skaddr: at("skaddr", 8)?,
        newstate: at("newstate", 4)?,
        sport: at("sport", 2)?,
        dport: at("dport", 2)?,
        family: at("family", 2)?,
        protocol: at("protocol", 2)?,
        saddr: at("saddr", 4)?,
        daddr: at("daddr", 4)?,
        saddr_v6: at("saddr_v6", 16)?,
        daddr_v6: at("daddr_v6", 16)?,
    })
}

/// Where the records of the tracepoints that count bytes have what the kernel side reads of them.
///
/// # Errors
/// Names the first field that is not there, or not of the size that is read.
pub(super) fn byte_records(
    sent: &[RecordField],
    taken: &[RecordField],
) -> Result<ByteRecords, String> {
    Ok(ByteRecords {
        length_sk: place(sent, "sk", 8)?,
        length_ret: place(sent, "ret", 4)?,
        length_flags: place(sent, "flags", 4)?,
        taken_sk: place(taken, "skaddr", 8)?,
    })
}

fn place(fields: &[RecordField], name: &str, size: u32) -> Result<u32, String> {
    let field = fields.iter().find(|field| field.name == name);
    match field {
        Some(field) if field.size == size => Ok(field.offset),
        Some(field) => Err(format!("its `{name}` has {} bytes", field.size)),
        None => Err(format!("it has no `{name}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bpf::btf::KERNEL_BTF;

    #[test]
    fn a_record_that_lacks_or_resizes_a_field_is_not_read() {
        let sizes = [
            ("skaddr", 8),
            ("newstate", 4),
            ("sport", 2),
            ("dport", 2),
            ("family", 2),
            ("protocol", 2),
            ("saddr", 4),
            ("daddr", 4),
            ("saddr_v6", 16),
            ("daddr_v6", 16),
        ];
        let fields = sizes.map(|(name, size)| RecordField {
            name: name.to_owned(),
            offset: size * 8,
            size,
        });
        assert_eq!(state_record(&fields).unwrap().daddr_v6, 128);
        let error = state_record(&fields[..9]).unwrap_err();
        assert!(error.contains("daddr_v6"), "{error}");
        let mut resized = fields;
        resized[5].size = 1;
        let error = state_record(&resized).unwrap_err();
        assert!(error.contains("protocol"), "{error}");
    }

    #[test]
    fn this_kernel_has_every_field() {
        let data = std::fs::read(KERNEL_BTF).unwrap();
        let btf = Btf::parse(&data).unwrap();
        let offsets = resolve(&btf).unwrap();
        assert!(offsets.tcp_sock_copied_seq > offsets.inet_connection_sock_icsk_ulp_ops);
        let settings = settings(&btf, 1).unwrap();
        assert!(settings.ca_state_mask >= 0b111);
        assert!(settings.pending_offset > 0 && settings.skb_segs_offset > 0);
        assert!(packet(&btf).unwrap().dst_entry_dev < 1_000);
    }
}
