//! `pump-host [--seed N] [--link PATH | --link-tcp ADDR] [--lines PATH | --lines-tcp ADDR]`: hosts the reference
//! bench. `rig host` does the same for any bench file.

use std::process::ExitCode;

use pump_host::{LinesPort, LinkPort, Options, run, terminated};
use rig_sim::reference_bench;

fn main() -> ExitCode {
    match arguments(std::env::args().skip(1)).and_then(host) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("pump-host: {why}");
            ExitCode::FAILURE
        }
    }
}

fn host(options: Options) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| format!("failed to start: {e}"))?;
    runtime.block_on(async {
        let stop = terminated().map_err(|e| format!("failed to listen for signals: {e}"))?;
        run(options, |announcement| println!("{}", announcement.line()), stop).await.map_err(|error| {
            let cause = std::error::Error::source(&error).map(|c| format!(": {c}")).unwrap_or_default();
            format!("failed to {error}{cause}")
        })
    })?;
    Ok(())
}

fn arguments(mut words: impl Iterator<Item = String>) -> Result<Options, String> {
    let lines = std::env::temp_dir().join(format!("pump-host-{}.sock", std::process::id()));
    let mut options = Options {
        link: LinkPort::Pty { symlink: None },
        lines: LinesPort::Unix(lines),
        bench: reference_bench(),
        seed: 0,
        unit: None,
        balance: None,
    };
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("`{word}` needs a value"))?;
        let address = || value.parse().map_err(|_| format!("`{value}` is no address like 127.0.0.1:4000"));
        match word.as_str() {
            "--seed" => options.seed = value.parse().map_err(|_| format!("`{value}` is no seed"))?,
            "--link" => options.link = LinkPort::Pty { symlink: Some(value.into()) },
            "--link-tcp" => options.link = LinkPort::Tcp(address()?),
            "--lines" => options.lines = LinesPort::Unix(value.into()),
            "--lines-tcp" => options.lines = LinesPort::Tcp(address()?),
            _ => return Err(format!("unknown option `{word}`")),
        }
    }
    Ok(options)
}
