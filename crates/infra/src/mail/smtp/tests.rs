use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    thread::{self, JoinHandle},
};

use rstest::rstest;

use super::*;

fn mail() -> Mail {
    Mail {
        to: Email::new("grace@example.com").unwrap(),
        subject: "Your password".to_owned(),
        text: "todo_pwr_1\n".to_owned(),
    }
}

/// A server that takes one mail, answers to its end as it is told, and gives every line that it was sent.
fn smtp_server(to_the_mail: &'static str) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let server = thread::spawn(move || converse(listener.accept().unwrap().0, to_the_mail));
    (url, server)
}

fn converse(stream: TcpStream, to_the_mail: &str) -> Vec<String> {
    let mut answers = stream.try_clone().unwrap();
    let mut answer = move |text: &str| write!(answers, "{text}\r\n").unwrap();
    let mut in_mail = false;
    let mut lines = Vec::new();
    answer("220 ready");
    for line in BufReader::new(stream).lines() {
        let Ok(line) = line else { break };
        match line.as_str() {
            "." if in_mail => {
                in_mail = false;
                answer(to_the_mail);
            }
            _ if in_mail => {}
            "DATA" => {
                in_mail = true;
                answer("354 go on");
            }
            "QUIT" => {
                answer("221 bye");
                break;
            }
            _ => answer("250 ok"),
        }
        lines.push(line);
    }
    lines
}

#[test]
fn a_mail_is_delivered_to_the_server() {
    let (url, server) = smtp_server("250 taken");
    let mailer = SmtpMailer::new(&url, "Todo <todo@example.com>").unwrap();
    mailer.send(&mail()).unwrap();
    drop(mailer);
    let lines = server.join().unwrap();
    for expected in [
        "MAIL FROM:<todo@example.com>",
        "RCPT TO:<grace@example.com>",
        "Subject: Your password",
        "todo_pwr_1",
    ] {
        let found = lines.iter().any(|line| line.starts_with(expected));
        assert!(found, "{expected} is not in {lines:#?}");
    }
}

#[test]
fn a_refused_mail_is_an_error_without_its_text() {
    let (url, server) = smtp_server("550 no");
    let mailer = SmtpMailer::new(&url, "todo@example.com").unwrap();
    let error = mailer.send(&mail()).unwrap_err();
    assert!(!format!("{error:?}").contains("todo_pwr_1"), "{error:?}");
    server.join().unwrap();
}

#[test]
fn an_unreachable_server_is_an_error() {
    // The port was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
    let url = format!("smtp://{}", address.unwrap());
    let mailer = SmtpMailer::new(&url, "todo@example.com").unwrap();
    assert!(mailer.send(&mail()).is_err());
}

#[rstest]
#[case("smtps://ada:hunter2@mail.example.com:465")]
#[case("smtp://mail.example.com:587?tls=required")]
#[case("smtp://localhost:1025")]
fn a_url_names_the_server(#[case] url: &str) {
    let mailer = SmtpMailer::new(url, "todo@example.com").unwrap();
    assert!(!format!("{mailer:?}").contains("hunter2"));
}

#[rstest]
#[case("smtps://ada:hunter2@mail.example.com:465", Ok(()))]
#[case("smtp://ada:hunter2@mail.example.com:587?tls=required", Ok(()))]
#[case("smtp://localhost:1025", Ok(()))]
#[case("smtp://ada:hunter2@127.0.0.1", Ok(()))]
#[case("smtp://[::1]:1025", Ok(()))]
#[case("SMTP://mail.example.com:587", Err(InvalidMailSettings::Plaintext))]
#[case("smtp://mail.example.com:587", Err(InvalidMailSettings::Plaintext))]
#[case(
    "smtp://mail.example.com?tls=opportunistic",
    Err(InvalidMailSettings::Plaintext)
)]
#[case(
    "smtp://localhost:secret@mail.example.com",
    Err(InvalidMailSettings::Plaintext)
)]
#[case("mail.example.com", Err(InvalidMailSettings::Url))]
fn mails_leave_the_machine_only_encrypted(
    #[case] url: &str,
    #[case] expected: Result<(), InvalidMailSettings>,
) {
    assert_eq!(SmtpMailer::check_confidential(url), expected);
}

#[rstest]
#[case("mail.example.com", "todo@example.com", InvalidMailSettings::Url)]
#[case(
    "http://ada:hunter2@mail",
    "todo@example.com",
    InvalidMailSettings::Url
)]
#[case("smtp://mail.example.com", "todo", InvalidMailSettings::From)]
fn invalid_settings_are_refused(
    #[case] url: &str,
    #[case] from: &str,
    #[case] expected: InvalidMailSettings,
) {
    assert_eq!(SmtpMailer::new(url, from).unwrap_err(), expected);
}
