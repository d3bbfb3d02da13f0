//! The `portproof` program: parses, runs, maps the outcome to an exit code.

use std::process::ExitCode;

/// Conversations, details and rows come and go by the million.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Has memory come in pages of the usual size: huge ones held 20 to 40 MiB that nothing used, and took longer to clear than they
/// saved. Where the system does not listen, it goes on as it likes.
#[cfg(target_os = "linux")]
fn without_huge_pages() {
    let _ = nix::sys::prctl::set_thp_disable(true);
}

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    without_huge_pages();
    ExitCode::from(portproof::cli::run(std::env::args_os()) as u8)
}
