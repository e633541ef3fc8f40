//! Which offsets in kernel structures does the kernel side need?
