//! What containers use, as JSON.

use super::super::stamp::or_never;
use super::super::stats::{Sample, StatsView};
use serde_json::{Map, Value, json};

/// Ticks of the machine's clock that is all processors' time, in nanoseconds.
fn system(sample: &Sample, processors: u32) -> u64 {
    sample.time.nanoseconds() % 1_000_000_000_000_000 * u64::from(processors)
}

fn processor(sample: Option<&Sample>, processors: u32) -> Value {
    let throttling = json!({ "periods": 0, "throttled_periods": 0, "throttled_time": 0 });
    match sample {
        None => json!({
            "cpu_usage": { "total_usage": 0, "usage_in_kernelmode": 0, "usage_in_usermode": 0 },
            "throttling_data": throttling,
        }),
        Some(sample) => {
            let used = u64::try_from(sample.figures.processor_time.as_nanos()).unwrap_or(u64::MAX);
            let share = used / u64::from(processors.max(1));
            json!({
                "cpu_usage": {
                    "total_usage": used,
                    "percpu_usage": vec![share; processors as usize],
                    "usage_in_kernelmode": used / 4,
                    "usage_in_usermode": used - used / 4,
                },
                "system_cpu_usage": system(sample, processors),
                "online_cpus": processors,
                "throttling_data": throttling,
            })
        }
    }
}

fn memory(sample: &Sample, total: u64) -> Value {
    let figures = &sample.figures;
    let limit = figures.memory_limit.unwrap_or(total);
    let hierarchical = figures.memory_limit.unwrap_or(0x7fff_ffff_ffff_f000);
    json!({
        "usage": figures.memory,
        "max_usage": figures.memory_max,
        "stats": {
            "active_anon": figures.memory, "active_file": 0, "cache": 0,
            "hierarchical_memory_limit": hierarchical, "inactive_anon": 0, "inactive_file": 0,
            "mapped_file": 0, "pgfault": figures.memory / 4096, "pgmajfault": 0,
            "rss": figures.memory, "total_cache": 0, "total_inactive_file": 0,
            "total_rss": figures.memory, "unevictable": 0,
        },
        "limit": limit,
    })
}

pub(super) fn stats(view: &StatsView) -> Value {
    let blkio = |value: &Value| {
        let names = [
            "io_service_bytes_recursive",
            "io_serviced_recursive",
            "io_queue_recursive",
            "io_service_time_recursive",
            "io_wait_time_recursive",
            "io_merged_recursive",
            "io_time_recursive",
            "sectors_recursive",
        ];
        let all = names.iter().map(|name| ((*name).to_owned(), value.clone()));
        Value::Object(all.collect::<Map<_, _>>())
    };
    let (now, before) = (view.now.as_ref(), view.before.as_ref());
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
    put("read", json!(or_never(now.map(|sample| sample.time))));
    put("preread", json!(or_never(before.map(|sample| sample.time))));
    let processes = now.map_or(json!({}), |sample| json!({ "current": sample.figures.processes }));
    put("pids_stats", processes);
    put("blkio_stats", blkio(&if now.is_some() { json!([]) } else { Value::Null }));
    put("num_procs", json!(0));
    put("storage_stats", json!({}));
    put("cpu_stats", processor(now, view.processors));
    put("precpu_stats", processor(before, view.processors));
    put("memory_stats", now.map_or(json!({}), |sample| memory(sample, view.total_memory)));
    put("name", json!(format!("/{}", view.name)));
    put("id", json!(view.id));
    if now.is_some() && view.has_network {
        let interface = json!({
            "rx_bytes": 0, "rx_packets": 0, "rx_errors": 0, "rx_dropped": 0,
            "tx_bytes": 0, "tx_packets": 0, "tx_errors": 0, "tx_dropped": 0,
        });
        put("networks", json!({ "eth0": interface }));
    }
    Value::Object(object)
}
