//! Counters and histograms, through a recorder of a few lines: names, labels and counts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

#[path = "../core/tests/common/cms/mod.rs"]
#[allow(dead_code, unreachable_pub)]
mod cms;
#[path = "../core/tests/common/kms.rs"]
#[allow(dead_code, unreachable_pub)]
mod kms;
#[path = "common/memory.rs"]
#[allow(dead_code, unreachable_pub)]
mod memory;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kms::{arn, policy};
use memory::{Fault, Memory};
use metrics::{
    Counter, CounterFn, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use pcrseal::Outcome;
use pcrseal::core::names::Wrapping;

/// What was recorded, by `name{label=value,…}`: counts, and values of histograms.
#[derive(Clone, Default)]
struct Recorded(Arc<Mutex<BTreeMap<String, Vec<f64>>>>);

impl Recorded {
    fn values(&self, series: &str) -> Vec<f64> {
        self.0.lock().unwrap().get(series).cloned().unwrap_or_default()
    }

    fn series(&self) -> Vec<String> {
        self.0.lock().unwrap().keys().cloned().collect()
    }

    fn one(&self, key: &Key) -> Arc<One> {
        let labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let series = format!("{}{{{}}}", key.name(), labels.join(","));
        Arc::new(One { series, all: self.clone() })
    }
}

struct One {
    series: String,
    all: Recorded,
}

impl HistogramFn for One {
    fn record(&self, value: f64) {
        self.all.0.lock().unwrap().entry(self.series.clone()).or_default().push(value);
    }
}

impl CounterFn for One {
    fn increment(&self, value: u64) {
        assert_eq!(value, 1);
        self.record(1.0);
    }

    fn absolute(&self, _: u64) {
        panic!("counters count");
    }
}

impl Recorder for Recorded {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.one(key))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        panic!("there are no gauges");
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.one(key))
    }
}

#[tokio::test(start_paused = true)]
async fn every_use_case_and_every_key_is_counted_and_timed() {
    let recorded = Recorded::default();
    let _guard = metrics::set_default_local_recorder(&recorded);
    let memory = Memory::new();
    let enclave = memory.enclave(&policy(Wrapping::Attested));
    let blob = enclave.seal_generated(32, &[]).await.unwrap().blob;
    assert_eq!(recorded.values("pcrseal_seal_total{status=ok}"), [1.0]);
    assert_eq!(recorded.values("pcrseal_seal_seconds{status=ok}"), [0.0]);
    for number in 0..5 {
        let granted = format!("{{outcome=granted,key={}}}", arn(number));
        assert_eq!(recorded.values(&format!("pcrseal_kms_share_total{granted}")), [1.0], "the proof");
    }
    recorded.0.lock().unwrap().clear();

    memory.key(0, |key| key.refusal = Some(Outcome::KeyDisabled));
    memory.key(1, |key| key.fault = Fault::Hang);
    for number in 2..5 {
        memory.key(number, |key| key.delay = Duration::from_millis(250));
    }
    enclave.unseal(&blob).await.unwrap();
    let share = |what: &str, outcome: &str, number| {
        recorded.values(&format!("pcrseal_kms_share_{what}{{outcome={outcome},key={}}}", arn(number)))
    };
    assert_eq!(recorded.values("pcrseal_unseal_total{status=ok}"), [1.0]);
    assert_eq!(recorded.values("pcrseal_unseal_seconds{status=ok}"), [0.25]);
    assert_eq!(
        (share("total", "key_disabled", 0), share("seconds", "key_disabled", 0)),
        (vec![1.0], vec![0.0])
    );
    assert_eq!((share("total", "not_needed", 1), share("seconds", "not_needed", 1)), (vec![1.0], vec![]));
    for number in 2..5 {
        assert_eq!(
            (share("total", "granted", number), share("seconds", "granted", number)),
            (vec![1.0], vec![0.25])
        );
    }
    assert_eq!(recorded.series().len(), 11, "{:?}", recorded.series());

    recorded.0.lock().unwrap().clear();
    memory.key(2, |key| key.refusal = Some(Outcome::AccessDenied));
    enclave.unseal(&blob).await.unwrap_err();
    enclave.unseal(b"no blob").await.unwrap_err();
    assert_eq!(recorded.values("pcrseal_unseal_total{status=quorum_not_reached}"), [1.0]);
    assert_eq!(recorded.values("pcrseal_unseal_seconds{status=quorum_not_reached}"), [30.0]);
    assert_eq!(recorded.values("pcrseal_unseal_total{status=blob_malformed}"), [1.0]);
    assert_eq!(share("total", "timeout", 1), [1.0]);
    enclave.seal_generated(32, &[]).await.unwrap_err();
    assert_eq!(recorded.values("pcrseal_seal_total{status=seal_incomplete}"), [1.0]);
}
