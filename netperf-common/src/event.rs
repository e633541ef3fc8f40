//! Which records go through the ring buffer?
