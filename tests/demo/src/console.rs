//! What prints: headings with their times, lines, progress when something takes longer, and small tables.
//! It never decides whether something is as it should be.

use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;

/// A wait is shown after this time, and then each time after twice as long.
const FIRST_NOTICE: Duration = Duration::from_secs(2);

pub struct Console {
    out: Mutex<Box<dyn Write + Send>>,
    started: Instant,
}

impl Console {
    pub fn new(out: impl Write + Send + 'static) -> Self {
        Self {
            out: Mutex::new(Box::new(out)),
            started: Instant::now(),
        }
    }

    /// The headline of what comes next.
    pub fn heading(&self, title: &str) {
        let elapsed = self.started.elapsed().as_secs_f64();
        self.write(&format!("\n{elapsed:6.1} s  {title}\n"));
    }

    /// One thing that happened.
    pub fn line(&self, line: &str) {
        self.write(&format!("          {line}\n"));
    }

    /// Waits for something, and shows that it does.
    pub async fn wait<T>(&self, what: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
        let started = Instant::now();
        let mut work = std::pin::pin!(work);
        let mut until_notice = FIRST_NOTICE;
        loop {
            match tokio::time::timeout(until_notice, &mut work).await {
                Ok(done) => {
                    let took = started.elapsed();
                    if took >= FIRST_NOTICE {
                        self.line(&format!("… {what}: {:.1} s", took.as_secs_f64()));
                    }
                    return done;
                }
                Err(_) => {
                    let so_far = started.elapsed().as_secs();
                    self.line(&format!("… {what} ({so_far} s)"));
                    until_notice *= 2;
                }
            }
        }
    }

    /// Lines of two columns.
    pub fn table(&self, rows: &[(&str, String)]) {
        for (name, value) in rows {
            self.line(&format!("│ {name:<22} {value}"));
        }
    }

    fn write(&self, text: &str) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        // If the terminal is closed, what is under way goes on all the same.
        let _ = out.write_all(text.as_bytes());
        let _ = out.flush();
    }
}

/// Addresses in one short line, the first few by name.
pub fn few(addresses: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown = addresses
        .iter()
        .take(SHOWN)
        .cloned()
        .collect::<Vec<_>>()
        .join("  ");
    match addresses.len() {
        0 => "none".to_owned(),
        count if count <= SHOWN => format!("{count:3}   {shown}"),
        count => format!("{count:3}   {shown}  …"),
    }
}
