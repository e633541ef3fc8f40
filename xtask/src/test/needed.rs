//! Programs that the tests call, beside the one that they test.

use crate::setup::programs::Program;

/// All of them, with their Debian packages.
pub(super) const PROGRAMS: [Program; 14] = [
    Program {
        name: "ip",
        package: "iproute2",
    },
    Program {
        name: "curl",
        package: "curl",
    },
    Program {
        name: "dig",
        package: "bind9-dnsutils",
    },
    Program {
        name: "dnsmasq",
        package: "dnsmasq-base",
    },
    Program {
        name: "fish",
        package: "fish",
    },
    Program {
        name: "iperf3",
        package: "iperf3",
    },
    Program {
        name: "mandoc",
        package: "mandoc",
    },
    Program {
        name: "mtr",
        package: "mtr-tiny",
    },
    Program {
        name: "nginx",
        package: "nginx",
    },
    Program {
        name: "openssl",
        package: "openssl",
    },
    Program {
        name: "ping",
        package: "iputils-ping",
    },
    Program {
        name: "python3",
        package: "python3",
    },
    Program {
        name: "rsync",
        package: "rsync",
    },
    Program {
        name: "zsh",
        package: "zsh",
    },
];
