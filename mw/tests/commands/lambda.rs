//! A Lambda that answers as it is told, and the command that is run against it.

use std::{
    collections::VecDeque,
    fmt::Write as _,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Command, Output, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

/// What comes of one request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// The function answers.
    Answer(Value),
    /// It answers this text.
    Text(&'static str),
    /// It fails.
    Fails(&'static str, &'static str),
    /// AWS answers in its place.
    Aws(u16, &'static str, &'static str),
    /// The request arrives, and the connection is closed.
    Lost,
    /// The answer comes too late.
    Late(Duration, Value),
}

/// A request that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn event(&self) -> Value {
        serde_json::from_str(&self.body).expect("an event")
    }
}

/// The server; it gives its replies in order, and the last one again and again.
pub(crate) struct Lambda {
    port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Lambda {
    pub(crate) fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let replies: Arc<Mutex<VecDeque<Reply>>> = Arc::new(Mutex::new(replies.into_iter().collect()));
        let seen = asked.clone();
        // Ends with the process of the tests.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, replies) = (seen.clone(), replies.clone());
                thread::spawn(move || serve(stream, &seen, &replies));
            }
        });
        Self { port, asked }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no panic").clone()
    }

    /// The events that arrived.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.asked().iter().map(Asked::event).collect()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = mw(arguments);
        command.env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", self.port)).env("MW_FUNCTION", "shop");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::new(self.command(arguments).output().expect("it runs"))
    }
}

/// The command, with nothing of the caller's environment.
pub(crate) fn mw(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mw"));
    command
        .args(arguments)
        .env_clear()
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "secret-of-the-caller")
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("TZ", "Europe/Berlin")
        .stdin(Stdio::null());
    command
}

/// What a command said.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn new(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

fn serve(mut stream: TcpStream, seen: &Mutex<Vec<Asked>>, replies: &Mutex<VecDeque<Reply>>) {
    let Some(asked) = read(&stream) else { return };
    let reply = {
        // In one step: who asks twice gets the replies in order.
        let mut replies = replies.lock().expect("no panic");
        seen.lock().expect("no panic").push(asked);
        if replies.len() > 1 { replies.pop_front() } else { replies.front().cloned() }
    };
    let (status, headers, body) = match reply.expect("a reply") {
        Reply::Answer(value) => (200, String::new(), value.to_string()),
        Reply::Text(text) => (200, String::new(), text.to_owned()),
        Reply::Fails(kind, message) => {
            let body = json!({ "errorType": kind, "errorMessage": message }).to_string();
            (200, "x-amz-function-error: Unhandled\r\n".to_owned(), body)
        }
        Reply::Aws(status, code, message) => {
            let body = json!({ "Type": "User", "Message": message, "message": message }).to_string();
            (status, format!("x-amzn-errortype: {code}\r\n"), body)
        }
        Reply::Lost => return,
        Reply::Late(late, value) => {
            thread::sleep(late);
            (200, String::new(), value.to_string())
        }
    };
    let mut answer =
        format!("HTTP/1.1 {status} .\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    let _ = write!(answer, "{body}");
    let _ = stream.write_all(answer.as_bytes());
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let header = header.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Asked { path, body: String::from_utf8(body).ok()? })
}

/// An answer of the function about the site.
pub(crate) fn answer(action: &str, outcome: &str, site: &str, message: &str) -> Value {
    json!({ "action": action, "outcome": outcome, "site": site, "message": message, "rules": [], "warnings": [] })
}

/// The same with more fields.
pub(crate) fn with(mut answer: Value, more: &Value) -> Value {
    let (fields, more) = (answer.as_object_mut().expect("an object"), more.as_object().expect("an object"));
    fields.extend(more.clone());
    answer
}
