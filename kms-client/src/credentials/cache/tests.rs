//! The cache under tokio's paused clock: no test waits, and each counts what was fetched.

use core::time::Duration;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use pcrseal_core::error::{Code, Error as Fault};
use pcrseal_core::secret::Secret;
use tokio::time::{Instant, advance, sleep};

use super::CredentialsCache;
use crate::Error;
use crate::credentials::{ProvideCredentials, ProvidedCredentials, StaticCredentials};
use crate::wire::Credentials;

/// What a fetch does.
enum Step {
    /// Gives credentials with this id and these seconds to live after [`START`].
    Give(&'static str, u64),
    GiveForever(&'static str),
    GiveAgain(Arc<Credentials>),
    Fail,
    Hang,
    Panic,
}

/// Takes one second and one step for each fetch; fails when there are no steps left.
struct Script {
    steps: Mutex<VecDeque<Step>>,
    fetches: AtomicUsize,
}

const START: Duration = Duration::from_secs(1_795_000_000);
const HOUR: u64 = 3600;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + START + Duration::from_secs(seconds)
}

fn credentials(id: &str) -> Credentials {
    Credentials::new(id, Secret::copy_from(b"hunter2"), None).unwrap()
}

fn script(steps: impl IntoIterator<Item = Step>) -> (Arc<Script>, Arc<CredentialsCache>) {
    let steps = Mutex::new(steps.into_iter().collect());
    let script = Arc::new(Script { steps, fetches: AtomicUsize::new(0) });
    (Arc::clone(&script), Arc::new(CredentialsCache::new(script)))
}

impl Script {
    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    async fn step(&self) -> Result<Arc<Credentials>, Error> {
        self.fetches.fetch_add(1, Ordering::SeqCst);
        let step = self.steps.lock().unwrap().pop_front();
        sleep(Duration::from_secs(1)).await;
        match step {
            Some(Step::Give(id, life)) => Ok(Arc::new(credentials(id).expiring(at(life)))),
            Some(Step::GiveForever(id)) => Ok(Arc::new(credentials(id))),
            Some(Step::GiveAgain(credentials)) => Ok(credentials),
            Some(Step::Hang) => core::future::pending().await,
            Some(Step::Panic) => panic!("a provider's fault"),
            Some(Step::Fail) | None => Err(Error::Configuration(Fault::new(Code::KmsCredentials))),
        }
    }
}

impl ProvideCredentials for Script {
    fn provide(&self) -> ProvidedCredentials<'_> {
        Box::pin(self.step())
    }

    fn name(&self) -> &'static str {
        "script"
    }
}

/// The id of what the cache hands out, or the code of its error.
async fn got(cache: &CredentialsCache, seconds: u64) -> Result<String, Code> {
    id(cache.get(at(seconds)).await)
}

/// The same where these were rejected.
async fn other(cache: &CredentialsCache, than: &Arc<Credentials>, seconds: u64) -> Result<String, Code> {
    id(cache.other_than(than, at(seconds)).await)
}

fn id(got: Result<Arc<Credentials>, Error>) -> Result<String, Code> {
    got.map(|credentials| credentials.access_key_id().to_owned()).map_err(|error| error.code())
}

/// Lets a fetch in the background come to its end.
async fn settle() {
    sleep(Duration::from_secs(6)).await;
}

#[tokio::test(start_paused = true)]
async fn a_hundred_callers_share_one_fetch() {
    let (script, cache) = script([Step::Give("A", HOUR)]);
    let callers: Vec<_> = (0..100)
        .map(|_| {
            let cache = Arc::clone(&cache);
            tokio::spawn(async move { got(&cache, 0).await })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), Ok("A".to_owned()));
    }
    assert_eq!(got(&cache, 3000).await, Ok("A".to_owned()));
    assert_eq!(script.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn all_waiting_callers_are_told_of_a_failure() {
    let (script, cache) = script([Step::Fail]);
    let (first, second) = tokio::join!(cache.get(at(0)), cache.get(at(0)));
    for error in [first.unwrap_err(), second.unwrap_err()] {
        assert_eq!(error.code(), Code::KmsCredentials);
        assert!(error.to_string().starts_with("no credentials (script): "), "{error}");
    }
    assert_eq!(script.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn in_the_window_the_old_are_handed_out_at_once_while_new_ones_come() {
    let (script, cache) = script([Step::Give("A", HOUR), Step::Give("B", 2 * HOUR)]);
    assert_eq!(got(&cache, 0).await, Ok("A".to_owned()));
    let window = HOUR - 300;
    assert_eq!(got(&cache, window - 1).await, Ok("A".to_owned()));
    settle().await;
    assert_eq!(script.fetches(), 1);

    advance(Duration::from_secs(60)).await;
    let before = Instant::now();
    for _ in 0..10 {
        assert_eq!(got(&cache, window).await, Ok("A".to_owned()));
    }
    assert_eq!(before.elapsed(), Duration::ZERO);
    settle().await;
    assert_eq!(script.fetches(), 2);
    assert_eq!(got(&cache, window).await, Ok("B".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn the_window_of_short_lived_credentials_is_a_quarter_of_their_life() {
    let (script, cache) = script([Step::Give("A", 101), Step::Give("B", HOUR)]);
    assert_eq!(got(&cache, 0).await, Ok("A".to_owned()));
    advance(Duration::from_secs(60)).await;
    // They came after one second, with a hundred to live.
    assert_eq!(got(&cache, 75).await, Ok("A".to_owned()));
    settle().await;
    assert_eq!(script.fetches(), 1);
    assert_eq!(got(&cache, 76).await, Ok("A".to_owned()));
    settle().await;
    assert_eq!(script.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_failed_refresh_keeps_the_old_while_they_last_and_is_not_repeated_at_once() {
    let (script, cache) = script([Step::Give("A", HOUR), Step::Fail, Step::Hang]);
    assert_eq!(got(&cache, 0).await, Ok("A".to_owned()));
    advance(Duration::from_secs(60)).await;
    assert_eq!(got(&cache, HOUR - 200).await, Ok("A".to_owned()));
    settle().await; // The fetch failed after one of these six seconds.
    for _ in 0..10 {
        assert_eq!(got(&cache, HOUR - 190).await, Ok("A".to_owned()));
    }
    sleep(Duration::from_secs(1)).await;
    assert_eq!(script.fetches(), 2);
    sleep(Duration::from_secs(4)).await;
    assert_eq!(got(&cache, HOUR - 180).await, Ok("A".to_owned()));
    settle().await;
    assert_eq!(script.fetches(), 3);

    // Expired, and the source still fails: its error is told.
    assert_eq!(got(&cache, HOUR - 1).await, Ok("A".to_owned()));
    settle().await;
    assert_eq!(got(&cache, HOUR).await, Err(Code::KmsCredentials));
}

#[tokio::test(start_paused = true)]
async fn without_credentials_a_failed_fetch_is_repeated_after_a_pause() {
    let (script, cache) = script([Step::Fail, Step::Fail, Step::Give("A", HOUR)]);
    let before = Instant::now();
    assert_eq!(got(&cache, 0).await, Err(Code::KmsCredentials));
    assert_eq!(before.elapsed(), Duration::from_secs(1));
    assert_eq!(got(&cache, 0).await, Err(Code::KmsCredentials));
    assert_eq!(before.elapsed(), Duration::from_millis(2500));
    sleep(Duration::from_secs(60)).await;
    let before = Instant::now();
    assert_eq!(got(&cache, 0).await, Ok("A".to_owned()));
    assert_eq!(before.elapsed(), Duration::from_secs(1));
    assert_eq!(script.fetches(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_hangs_is_given_up() {
    let (script, cache) = script([Step::Hang, Step::Give("A", HOUR)]);
    let before = Instant::now();
    let error = cache.get(at(0)).await.unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (Code::CredentialsTimeout, true));
    assert_eq!(before.elapsed(), Duration::from_secs(5));
    assert_eq!(got(&cache, 0).await, Ok("A".to_owned()));
    assert_eq!(script.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_caller_that_began_a_fetch_may_go_without_ending_it() {
    let (script, cache) = script([Step::Give("A", HOUR)]);
    let leader = tokio::spawn({
        let cache = Arc::clone(&cache);
        async move { got(&cache, 0).await }
    });
    sleep(Duration::from_millis(100)).await;
    let follower = tokio::spawn({
        let cache = Arc::clone(&cache);
        async move { got(&cache, 0).await }
    });
    sleep(Duration::from_millis(100)).await;
    assert_eq!(script.fetches(), 1);
    leader.abort();
    assert!(leader.await.unwrap_err().is_cancelled());
    assert_eq!(follower.await.unwrap(), Ok("A".to_owned()));
    assert_eq!(script.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_panics_is_an_error_and_the_next_fetch_is_a_new_one() {
    let (script, cache) = script([Step::Panic, Step::Give("A", HOUR)]);
    assert_eq!(got(&cache, 0).await, Err(Code::CredentialsInterrupted));
    assert_eq!(got(&cache, 0).await, Ok("A".to_owned()));
    assert_eq!(script.fetches(), 2);
}

#[test]
fn a_runtime_that_goes_takes_its_fetch_and_no_more() {
    let (script, cache) = script([Step::Hang, Step::GiveForever("A")]);
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime().unwrap().block_on(async {
        let begun = tokio::time::timeout(Duration::from_millis(10), cache.get(at(0))).await;
        assert!(begun.is_err());
    });
    assert_eq!(runtime().unwrap().block_on(got(&cache, 0)), Ok("A".to_owned()));
    assert_eq!(script.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn credentials_that_come_expired_are_refused() {
    let (_, cache) = script([Step::Give("A", 10), Step::Give("B", 3), Step::Give("C", 10)]);
    let error = cache.get(at(10)).await.unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (Code::CredentialsExpired, true));
    // These outlive the question, but not the fetch.
    assert_eq!(got(&cache, 2).await, Err(Code::CredentialsExpired));
    assert_eq!(got(&cache, 2).await, Ok("C".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_caller_whose_clock_is_ahead_gets_nothing_expired() {
    let (script, cache) = script([Step::Give("A", 100)]);
    let (behind, ahead) = tokio::join!(got(&cache, 0), got(&cache, 100));
    assert_eq!((behind, ahead), (Ok("A".to_owned()), Err(Code::CredentialsExpired)));
    assert_eq!(script.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn credentials_without_expiry_are_kept_until_they_are_rejected() {
    let (script, cache) = script([Step::GiveForever("A"), Step::GiveForever("A")]);
    let first = cache.get(at(0)).await.unwrap();
    let later = cache.get(at(1_000_000_000)).await.unwrap();
    assert!(Arc::ptr_eq(&first, &later));
    // The same text may be as good as new; only the object is known to be bad.
    let second = cache.other_than(&first, at(0)).await.unwrap();
    assert!(!Arc::ptr_eq(&first, &second));
    assert_eq!(script.fetches(), 2);

    // A late word about the old ones does the new ones no harm.
    assert!(Arc::ptr_eq(&second, &cache.other_than(&first, at(0)).await.unwrap()));
    assert!(Arc::ptr_eq(&second, &cache.get(at(0)).await.unwrap()));
    assert_eq!(script.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn rejected_credentials_are_not_handed_to_the_rejected_again() {
    let (given, cache) = script([]);
    let rejected = Arc::new(credentials("A"));
    given.steps.lock().unwrap().extend([
        Step::GiveAgain(Arc::clone(&rejected)),
        Step::GiveAgain(Arc::clone(&rejected)),
        Step::Fail,
        Step::Give("B", HOUR),
    ]);
    assert_eq!(got(&cache, 0).await, Ok("A".to_owned()));
    assert_eq!(other(&cache, &rejected, 0).await, Err(Code::CredentialsRejected));
    assert_eq!(other(&cache, &rejected, 0).await, Err(Code::KmsCredentials));
    // Who has not heard of it goes on with them, and nobody is asked.
    assert_eq!((got(&cache, 0).await, given.fetches()), (Ok("A".to_owned()), 3));
    assert_eq!(other(&cache, &rejected, 0).await, Ok("B".to_owned()));
    assert_eq!((got(&cache, 0).await, given.fetches()), (Ok("B".to_owned()), 4));
}

/// Rejected while a refresh in the background is about to bring them once more.
#[tokio::test(start_paused = true)]
async fn a_fetch_under_way_does_not_bring_rejected_credentials_back() {
    let (given, cache) = script([]);
    let rejected = Arc::new(credentials("A").expiring(at(HOUR)));
    given.steps.lock().unwrap().extend([
        Step::GiveAgain(Arc::clone(&rejected)),
        Step::GiveAgain(Arc::clone(&rejected)),
        Step::Give("B", HOUR),
    ]);
    assert_eq!(got(&cache, 0).await, Ok("A".to_owned()));
    advance(Duration::from_secs(60)).await;
    assert_eq!(got(&cache, HOUR - 10).await, Ok("A".to_owned()));
    assert_eq!(other(&cache, &rejected, HOUR - 10).await, Err(Code::CredentialsRejected));
    assert_eq!(other(&cache, &rejected, HOUR - 10).await, Ok("B".to_owned()));
    assert_eq!(given.fetches(), 3);
}

#[tokio::test(start_paused = true)]
async fn there_are_no_others_than_static_credentials() {
    let cache = CredentialsCache::of(credentials("A"));
    let given = cache.get(at(0)).await.unwrap();
    let error = cache.other_than(&given, at(0)).await.unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (Code::CredentialsRejected, false));
    assert_eq!(got(&cache, 0).await, Ok("A".to_owned()));
    let shown = format!("{error} {error:?} {:?}", StaticCredentials::new(credentials("A")));
    assert!(shown.contains("static") && !shown.contains("hunter2"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn errors_of_other_kinds_keep_their_text() {
    struct Refused;
    impl ProvideCredentials for Refused {
        fn provide(&self) -> ProvidedCredentials<'_> {
            let endpoint = "https://sts.example".to_owned();
            let source = std::io::Error::other("no route");
            Box::pin(core::future::ready(Err(Error::Connect { endpoint, source, attempts: 1 })))
        }
    }
    let error = CredentialsCache::new(Arc::new(Refused)).get(at(0)).await.unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (Code::CredentialsUnavailable, true));
    for part in ["custom", "https://sts.example", "no route"] {
        assert!(error.to_string().contains(part), "{error}");
    }
}
