//! How is a setting of the kernel changed, now and for good, where it belongs?

use netperf_core::model::states::StatesModel;

/// Commands for the settings of one network namespace.
pub(super) struct Remedy {
    prefix: String,
    netns: u32,
    is_elsewhere: bool,
}

impl Remedy {
    /// For a namespace, which a process may be known to be in.
    pub(super) fn of(model: &StatesModel, netns: u32, pid: Option<u32>) -> Self {
        let is_elsewhere = model.now.own_namespace.is_some_and(|own| own != netns);
        let prefix = match pid.filter(|_| is_elsewhere) {
            Some(pid) => format!("nsenter --target {pid} --net "),
            None => String::new(),
        };
        Self {
            prefix,
            netns,
            is_elsewhere,
        }
    }

    /// The command for now, and how to make it last.
    pub(super) fn set(&self, name: &str, value: &str) -> String {
        let prefix = &self.prefix;
        let quoted = if value.contains(' ') {
            format!("{name}='{value}'")
        } else {
            format!("{name}={value}")
        };
        let now = format!("`{prefix}sysctl -w {quoted}`");
        if self.is_elsewhere {
            return format!(
                "{now}, in network namespace {}; to make it last, set it where that container is \
                 configured (`--sysctl {quoted}` for Docker and Podman)",
                self.netns
            );
        }
        format!(
            "{now} now; to make it last: `echo '{name} = {value}' >> \
             /etc/sysctl.d/90-netperf-advice.conf`"
        )
    }
}
