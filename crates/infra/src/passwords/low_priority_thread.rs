//! Threads for long computations, of the lowest priority.

use std::{
    fmt, io,
    sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel},
    thread,
    time::Duration,
};

/// By how much it gives way: the highest nice value (`sched(7)`).
#[cfg(target_os = "linux")]
const LOWEST: i32 = 19;

/// A thread that does one thing after another, and gives way to any other thread that has something to do. Elsewhere than
/// on Linux it is a thread like any other. It ends when this is dropped, and what it does is done.
pub(crate) struct NiceThread<Q, A> {
    questions: SyncSender<Q>,
    answers: Receiver<A>,
}

impl<Q, A> fmt::Debug for NiceThread<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NiceThread").finish_non_exhaustive()
    }
}

/// An answer that did not come in time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Late<A> {
    /// It has come since.
    Here(A),
    /// It is still to come.
    ToCome,
    /// It never comes, nor does any other: the thread panicked.
    Lost,
}

impl<Q: Send + 'static, A: Send + 'static> NiceThread<Q, A> {
    /// Starts a thread that answers questions by `answer`.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub(crate) fn start(
        name: &str,
        mut answer: impl FnMut(Q) -> A + Send + 'static,
    ) -> io::Result<Self> {
        let (questions, asked) = sync_channel(1);
        let (give, answers) = sync_channel(1);
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                give_way();
                for question in asked {
                    if give.send(answer(question)).is_err() {
                        break;
                    }
                }
            })?;
        Ok(Self { questions, answers })
    }

    /// Asks a question, and waits for the answer; `None` where it does not come in time. It is then still to come, and
    /// nothing else may be asked before it is [there](Self::take_late_answer).
    pub(crate) fn ask(&self, question: Q, patience: Duration) -> Option<A> {
        self.questions.send(question).ok()?;
        self.answers.recv_timeout(patience).ok()
    }

    /// Looks for the answer that did not come in time.
    pub(crate) fn take_late_answer(&self) -> Late<A> {
        match self.answers.try_recv() {
            Ok(answer) => Late::Here(answer),
            Err(TryRecvError::Empty) => Late::ToCome,
            Err(TryRecvError::Disconnected) => Late::Lost,
        }
    }
}

/// It is not made one for idle times (`SCHED_IDLE`): Linux has others begin on the processor of such a thread as on one that
/// does nothing, and then, where they are of another service, such as the database, has them wait for it.
#[cfg(target_os = "linux")]
fn give_way() {
    if let Err(error) = rustix::process::nice(LOWEST) {
        tracing::warn!(%error, "a thread cannot give way to others");
    }
}

/// Elsewhere it would be the whole process that gives way.
#[cfg(not(target_os = "linux"))]
fn give_way() {}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc::channel, thread::yield_now};

    use super::*;

    const FOR_EVER: Duration = Duration::from_hours(1);

    #[test]
    fn it_answers_one_question_after_another() {
        let thread = NiceThread::start("test", |number: u32| number * 2).unwrap();
        assert_eq!(thread.ask(21, FOR_EVER), Some(42));
        assert_eq!(thread.ask(1, FOR_EVER), Some(2));
    }

    #[test]
    fn an_answer_that_is_late_can_be_taken_later() {
        let (release, released) = channel();
        let thread = NiceThread::start("test", move |number: u32| {
            released.recv().unwrap();
            number * 2
        })
        .unwrap();
        assert_eq!(thread.ask(21, Duration::from_millis(1)), None);
        assert_eq!(thread.take_late_answer(), Late::ToCome);
        release.send(()).unwrap();
        let mut late = thread.take_late_answer();
        while late == Late::ToCome {
            yield_now();
            late = thread.take_late_answer();
        }
        assert_eq!(late, Late::Here(42));
    }

    #[test]
    fn a_thread_that_panicked_answers_nothing_more() {
        let thread = NiceThread::start("test", |(): ()| -> () { panic!("on purpose") }).unwrap();
        assert_eq!(thread.ask((), FOR_EVER), None);
        assert_eq!(thread.take_late_answer(), Late::Lost);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn it_gives_way_to_others() {
        let niceness = |(): ()| rustix::process::getpriority_process(None).unwrap();
        let thread = NiceThread::start("test", niceness).unwrap();
        assert_eq!(thread.ask((), FOR_EVER), Some(LOWEST));
    }
}
