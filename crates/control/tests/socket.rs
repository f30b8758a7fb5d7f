//! Both ends of the local socket, over a real one.

use tidings_control::{
    Answer, Client, ClientError, Code, Event, Failure, LINE_BYTES, ListenError, Listener, Request,
    Words,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

fn failure() -> Failure {
    Failure {
        code: Code::NotFound,
        message: Words::foreign("there is no such message"),
    }
}

#[tokio::test]
async fn answers_find_their_questions_and_events_pass_between() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run/control.sock");
    let listener = Listener::bind(&path).unwrap();
    let agent = tokio::spawn(async move {
        let mut face = listener.accept().await.unwrap();
        let (first, asked) = face.next().await.unwrap().unwrap();
        assert_eq!(asked, Request::Status);
        let (second, asked) = face.next().await.unwrap().unwrap();
        assert_eq!(asked, Request::Quit);
        let peer = face.peer();
        // Out of order on purpose.
        assert!(peer.answer(second, Ok(Answer::Done)).await);
        assert!(peer.tell(Event::Notice(Words::foreign("hello"))));
        assert!(peer.answer(first, Err(failure())).await);
        assert!(face.next().await.unwrap().is_none(), "the face closed");
    });
    let (client, mut events) = Client::connect(&path).await.unwrap();
    let (status, quit) = tokio::join!(client.ask(Request::Status), client.ask(Request::Quit));
    assert!(matches!(status, Err(ClientError::Failed(f)) if f == failure()));
    assert_eq!(quit.unwrap(), Answer::Done);
    assert_eq!(
        events.recv().await,
        Some(Event::Notice(Words::foreign("hello")))
    );
    drop(client);
    agent.await.unwrap();
}

#[tokio::test]
async fn only_one_agent_and_its_socket_is_the_owners() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run/control.sock");
    let first = Listener::bind(&path).unwrap();
    assert!(matches!(Listener::bind(&path), Err(ListenError::Taken)));
    let mode = |p: &std::path::Path| p.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    drop(first);
    assert!(matches!(
        Client::connect(&path).await,
        Err(ClientError::NotRunning)
    ));
    Listener::bind(&path).unwrap();
}

#[tokio::test]
async fn a_stale_socket_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    // As a killed agent leaves it: the file is there, nobody listens.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(matches!(
        Client::connect(&path).await,
        Err(ClientError::NotRunning)
    ));
    Listener::bind(&path).unwrap();
}

#[tokio::test]
async fn who_waits_when_the_agent_dies_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    let listener = Listener::bind(&path).unwrap();
    let (client, _events) = Client::connect(&path).await.unwrap();
    let face = listener.accept().await.unwrap();
    let asked = client.ask(Request::Status);
    drop(face);
    assert!(matches!(asked.await, Err(ClientError::Gone)));
    assert!(matches!(
        client.ask(Request::Status).await,
        Err(ClientError::Gone)
    ));
}

#[tokio::test]
async fn nonsense_and_endless_lines_end_the_connection() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    let listener = Listener::bind(&path).unwrap();
    for sent in [
        b"{\"id\":1}\n".to_vec(),
        b"\xff\n".to_vec(),
        vec![b'x'; LINE_BYTES + 1],
    ] {
        let mut raw = UnixStream::connect(&path).await.unwrap();
        let mut face = listener.accept().await.unwrap();
        let writing = tokio::spawn(async move {
            let _ = raw.write_all(&sent).await;
            let _ = raw.read(&mut [0; 1]).await;
        });
        assert!(face.next().await.is_err());
        drop(face);
        writing.await.unwrap();
    }
}

#[tokio::test]
async fn a_face_that_does_not_read_is_let_go() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    let listener = Listener::bind(&path).unwrap();
    let _deaf = UnixStream::connect(&path).await.unwrap();
    let face = listener.accept().await.unwrap();
    let peer = face.peer();
    let told = (0..1_000_000).find(|_| !peer.tell(Event::Notice(Words::foreign("x".repeat(100)))));
    assert!(told.is_some(), "the queue is bounded");
}

#[tokio::test]
async fn a_request_that_comes_in_pieces_survives_a_cancelled_wait() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    let listener = Listener::bind(&path).unwrap();
    let mut raw = UnixStream::connect(&path).await.unwrap();
    let mut face = listener.accept().await.unwrap();
    raw.write_all(b"{\"id\":7,\"request\":").await.unwrap();
    // Polled until it has taken the first piece, then dropped.
    for _ in 0..100 {
        tokio::select! {
            biased;
            _ = face.next() => panic!("half a request"),
            () = tokio::task::yield_now() => {}
        }
    }
    raw.write_all(b"{\"do\":\"status\"}}\n").await.unwrap();
    assert_eq!(face.next().await.unwrap(), Some((7, Request::Status)));
}

#[tokio::test]
async fn the_right_outlives_the_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    let listener = Listener::bind(&path).unwrap();
    let right = listener.right();
    drop(listener);
    assert!(!path.exists());
    assert!(matches!(Listener::bind(&path), Err(ListenError::Taken)));
    drop(right);
    Listener::bind(&path).unwrap();
}
