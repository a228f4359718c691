//! One child process: started in its own folder, and ended by its own id.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
};

use tokio::net::TcpStream;

use crate::{Folder, wait::until};

const OUTPUT: &str = "output.log";
const ERRORS: &str = "errors.log";

/// A running program, killed when dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    folder: Folder,
}

impl Process {
    /// Starts `command` with `folder` as its working directory. Its output goes to files there.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    #[must_use]
    pub fn start(mut command: Command, folder: Folder) -> Self {
        let program = Path::new(command.get_program());
        let name = program
            .file_name()
            .unwrap_or(program.as_os_str())
            .to_string_lossy()
            .into_owned();
        let log = |file| {
            File::create(folder.path().join(file))
                .expect("the folder of a process can be written to")
        };
        let child = command
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log(OUTPUT))
            .stderr(log(ERRORS))
            .spawn()
            .unwrap_or_else(|error| panic!("`{name}` cannot be started: {error}"));
        Self {
            name,
            child,
            folder,
        }
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its working directory.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Everything that it has written to standard output so far.
    #[must_use]
    pub fn stdout(&self) -> String {
        self.read(OUTPUT)
    }

    /// Everything that it has written to standard error so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.read(ERRORS)
    }

    /// Its exit status, if it has ended.
    pub fn exited(&mut self) -> Option<ExitStatus> {
        self.child
            .try_wait()
            .expect("a child can be waited for by its parent")
    }

    /// Waits until it is ready to serve; `Err` says what is still missing.
    ///
    /// # Panics
    ///
    /// When it has ended instead, with its output.
    pub async fn wait_until_ready(&mut self, mut ready: impl AsyncFnMut() -> Result<(), String>) {
        let what = format!("`{}` to be ready", self.name);
        until(&what, async || {
            if let Some(status) = self.exited() {
                panic!(
                    "`{}` ended ({status}) before it was ready{}",
                    self.name,
                    self.last_lines()
                );
            }
            ready().await
        })
        .await;
    }

    /// Sends `signal` (`TERM`, `KILL`, `STOP`, `CONT`, ...) to it.
    ///
    /// # Panics
    ///
    /// When it has ended already.
    pub fn signal(&self, signal: &str) {
        // Uses the shell's own `kill`, which needs no unsafe code and no further package.
        let sent = Command::new("sh")
            .arg("-c")
            .arg(format!("kill -{signal} {}", self.pid()))
            .status();
        assert!(
            sent.is_ok_and(|status| status.success()),
            "`{}` ended too early{}",
            self.name,
            self.last_lines()
        );
    }

    /// Sends SIGTERM and waits until it has ended.
    ///
    /// # Panics
    ///
    /// When it has not ended after [`PATIENCE`](crate::PATIENCE).
    pub async fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait().await
    }

    /// Waits until it ends by itself.
    ///
    /// # Panics
    ///
    /// When it has not ended after [`PATIENCE`](crate::PATIENCE).
    pub async fn wait(&mut self) -> ExitStatus {
        let what = format!("`{}` to end", self.name);
        until(&what, async || {
            self.exited()
                .ok_or_else(|| format!("it still runs{}", self.last_lines()))
        })
        .await
    }

    /// Kills it (SIGKILL), like a crash.
    pub fn kill(&mut self) {
        // An error only means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn read(&self, file: &str) -> String {
        let bytes = fs::read(self.folder.path().join(file)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn last_lines(&self) -> String {
        let text = self.stdout() + &self.stderr();
        let lines: Vec<_> = text.lines().collect();
        let last = &lines[lines.len().saturating_sub(20)..];
        if last.is_empty() {
            String::new()
        } else {
            format!("; its last lines:\n{}", last.join("\n"))
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            // Printed, so that the test harness shows it only for a failed test.
            #[expect(clippy::print_stderr, reason = "the report of a failed test")]
            {
                eprintln!("`{}` was running{}", self.name, self.last_lines());
            }
        }
    }
}

/// Whether something accepts connections at `address`. Nothing is sent, so that no server counts a
/// request.
pub(crate) async fn accepts(address: SocketAddr) -> Result<(), String> {
    TcpStream::connect(address)
        .await
        .map(drop)
        .map_err(|error| format!("nothing listens on {address}: {error}"))
}
