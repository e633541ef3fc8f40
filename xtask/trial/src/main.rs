#![no_std]
#![no_main]

#[unsafe(link_section = "socket")]
#[unsafe(no_mangle)]
extern "C" fn trial(context: *mut u8) -> u32 {
    context.addr().count_ones()
}

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo) -> ! {
    loop {}
}
