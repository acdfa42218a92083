//! When attempts are made, to the microsecond, on a clock that the test moves.

use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, BigInt, Text},
};
use diesel_async::RunQueryDsl;
use test_kit::{Answer, eventually};

use crate::{
    facts::Tenant,
    frozen::Frozen,
    stage::{SOON, Stage},
};

/// Seconds between attempts, as `SEMANTICS.md` §7 writes them: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h.
const SCHEDULE: [i64; 9] =
    [5, 5 * 60, 30 * 60, 2 * 3_600, 5 * 3_600, 10 * 3_600, 14 * 3_600, 20 * 3_600, 24 * 3_600];
/// 75 h 35 min 5 s.
const SPAN: i64 = 75 * 3_600 + 35 * 60 + 5;
const SECOND: i64 = 1_000_000;
const BEYOND_U64: &str = "100000000000000000000";

/// A publisher that never takes it: what it is drawn, what it asks for, and how long it then has to wait, in per mille of the
/// schedule.
struct Publisher {
    name: &'static str,
    jitter: u16,
    asks: fn(i64) -> Option<String>,
    waits: i64,
}

const PUBLISHERS: [Publisher; 9] = [
    Publisher { name: "plain", jitter: 1_000, asks: |_| None, waits: 1_000 },
    Publisher { name: "shortest", jitter: 800, asks: |_| None, waits: 800 },
    Publisher { name: "longest", jitter: 1_200, asks: |_| None, waits: 1_200 },
    Publisher { name: "too-soon", jitter: 1_200, asks: |_| Some(String::from("0")), waits: 1_000 },
    Publisher { name: "within", jitter: 800, asks: |delay| Some((delay * 6 / 5).to_string()), waits: 1_200 },
    Publisher { name: "too-late", jitter: 800, asks: |_| Some(String::from(BEYOND_U64)), waits: 2_000 },
    Publisher {
        name: "year-9999",
        jitter: 800,
        asks: |_| Some(String::from("Fri, 31 Dec 9999 23:59:59 GMT")),
        waits: 2_000,
    },
    Publisher { name: "negative", jitter: 1_100, asks: |_| Some(String::from("-5")), waits: 1_100 },
    Publisher { name: "garbage", jitter: 900, asks: |_| Some(String::from("soon; maybe")), waits: 900 },
];

impl Publisher {
    fn path(&self) -> String {
        format!("/{}", self.name)
    }

    fn tenant(number: usize) -> Tenant {
        Tenant::new(100 + u128::try_from(number).unwrap())
    }

    async fn introduce(&self, number: usize, stage: &Stage) {
        let tenant = Self::tenant(number);
        let url = format!("{}{}?id={{conversion_id}}", stage.publisher.url(), self.path());
        let endpoint = tenant.endpoint(url);
        stage.say_catalog([tenant.envelope(&tenant.offer(1)), tenant.publisher(1, vec![endpoint])]).await;
        // The tenth answer asks as well, and nobody hears it.
        let answers = SCHEDULE.into_iter().chain([1]).map(|delay| match (self.asks)(delay) {
            Some(when) => Answer::status(429).header("retry-after", &when),
            None => Answer::status(500),
        });
        stage.publisher.answer(&self.path(), answers);
    }
}

/// How a delivery stands, in microseconds since the epoch.
#[derive(Debug, QueryableByName)]
struct Waiting {
    #[diesel(sql_type = BigInt)]
    number: i64,
    #[diesel(sql_type = BigInt)]
    attempts: i64,
    #[diesel(sql_type = BigInt)]
    due: i64,
}

/// What waits for its next attempt, the first that is due first.
async fn waiting(stage: &Stage) -> Vec<Waiting> {
    sql_query(
        "SELECT ('x' || right(replace(tenant_id::text, '-', ''), 8))::bit(32)::bigint - 100 AS number,
            attempts::bigint AS attempts, (extract(epoch FROM due_at) * 1000000)::bigint AS due
        FROM deliveries WHERE state = 'waiting' AND lease IS NULL ORDER BY due_at",
    )
    .load(&mut stage.database.admin().await)
    .await
    .unwrap()
}

/// When the attempts of a publisher's delivery began, and the words of its end.
#[derive(QueryableByName)]
struct Told {
    #[diesel(sql_type = Array<BigInt>)]
    began: Vec<i64>,
    #[diesel(sql_type = Text)]
    state: String,
}

async fn told(stage: &Stage, tenant: Tenant) -> Told {
    let select = format!(
        "SELECT array_agg((extract(epoch FROM started_at) * 1000000)::bigint ORDER BY number) AS began,
            min(deliveries.state) AS state
        FROM delivery_attempts JOIN deliveries USING (tenant_id, delivery_id) WHERE tenant_id = '{}'",
        tenant.0
    );
    sql_query(select).get_result(&mut stage.database.admin().await).await.unwrap()
}

#[tokio::test]
async fn ten_attempts_are_made_exactly_when_the_schedule_says() {
    let (stage, frozen) = Frozen::stage(|settings| settings.delivery.poll_ms = 20).await;
    let healthy = Tenant::new(1);
    stage.introduce(healthy).await;
    for (number, publisher) in PUBLISHERS.iter().enumerate() {
        publisher.introduce(number, &stage).await;
        // Nobody is ever due at the same moment as another one: all delays are whole seconds.
        frozen.pass(&stage, 7_000).await;
        frozen.draw(publisher.jitter);
        stage.say_verdicts([frozen.purchase(Publisher::tenant(number), 1)]).await;
        let one_more = i64::try_from(number + 1).unwrap();
        stage.rows("deliveries WHERE state = 'waiting' AND attempts = 1 AND lease IS NULL", one_more).await;
    }

    // Time goes from one due moment to the next.
    let mut witnesses = 0;
    while let Some(next) = waiting(&stage).await.into_iter().next() {
        let number = usize::try_from(next.number).unwrap();
        let publisher = &PUBLISHERS[number];
        if publisher.name == "plain" {
            frozen.move_to(&stage, next.due - 1).await;
            stage.say_verdicts([frozen.purchase(healthy, witnesses)]).await;
            witnesses += 1;
            stage.rows("deliveries WHERE state = 'delivered'", i64::from(witnesses)).await;
            let heard = i64::try_from(stage.publisher.deliveries_to("/plain").len()).unwrap();
            assert_eq!(heard, next.attempts, "a microsecond before its time");
        }
        frozen.draw(publisher.jitter);
        frozen.move_to(&stage, next.due).await;
        eventually(publisher.name, SOON, async || {
            let found = waiting(&stage).await;
            // Over, or waiting for the one after.
            found.iter().all(|row| row.number != next.number || row.attempts > next.attempts)
                && stage.count("SELECT count(*) FROM deliveries WHERE lease IS NOT NULL").await == 0
        })
        .await;
    }

    for (number, publisher) in PUBLISHERS.iter().enumerate() {
        let Told { began, state } = told(&stage, Publisher::tenant(number)).await;
        let expected: Vec<_> =
            SCHEDULE.iter().map(|delay| delay * publisher.waits * SECOND / 1_000).collect();
        let pauses: Vec<_> = began.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(pauses, expected, "{}", publisher.name);
        assert_eq!((began.len(), state.as_str()), (10, "exhausted"), "{}", publisher.name);
        assert_eq!(began[9] - began[0], SPAN * SECOND * publisher.waits / 1_000, "{}", publisher.name);
        let heard = stage.publisher.deliveries_to(&publisher.path());
        // One name, and the stamp of each attempt's own moment, three days later too.
        let stamps: Vec<i64> =
            heard.iter().map(|one| one.header("webhook-timestamp").unwrap().parse().unwrap()).collect();
        assert_eq!(stamps, began.iter().map(|at| at.div_euclid(SECOND)).collect::<Vec<_>>());
        assert!(heard.iter().all(|one| one.header("webhook-id") == heard[0].header("webhook-id")));
    }
    stage.strike().await;
}
