//! The wire format, checked against bytes written by hand from upstream's field numbers.

use prost::Message;

use crate::{
    ContainerId, ExecutorId, FrameworkId, SlaveId, TaskId, TaskState, TaskStatus,
    internal::{StatusUpdate, StatusUpdateMessage, UpdateSlaveMessage},
    slave::ContainerTermination,
    task_status::{Reason, Source},
};

/// One field of the length-delimited kind.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap();
    // Lengths of one byte, field numbers below 16: enough for these messages.
    assert!(length < 0x80 && number < 16);
    [&[(number << 3) | 2, length], content].concat()
}

/// One field of the varint kind, with a small value.
fn varint(number: u8, value: u8) -> Vec<u8> {
    assert!(value < 0x80 && number < 16);
    vec![number << 3, value]
}

/// One double.
fn double(number: u8, value: f64) -> Vec<u8> {
    [&[(number << 3) | 1][..], &value.to_le_bytes()].concat()
}

/// A message of kind `mesos.*ID`.
fn id(value: &str) -> Vec<u8> {
    field(1, value.as_bytes())
}

#[test]
fn a_status_update_message_is_upstreams_bytes() {
    let status = [
        field(1, &id("task")),     // task_id
        varint(2, 3),              // state: TASK_FAILED
        field(4, b"boom"),         // message
        field(5, &id("S0")),       // slave_id
        double(6, 2.5),            // timestamp
        field(7, &id("executor")), // executor_id
        varint(9, 1),              // source: SOURCE_SLAVE
        varint(10, 21),            // reason: REASON_CONTAINER_LAUNCH_FAILED
        field(11, &[1, 2, 3, 4]),  // uuid
    ]
    .concat();
    let update = [
        field(1, &id("F0")),       // framework_id
        field(2, &id("executor")), // executor_id
        field(3, &id("S0")),       // slave_id
        field(4, &status),
        double(5, 1.5),          // timestamp
        field(6, &[1, 2, 3, 4]), // uuid
        varint(7, 3),            // latest_state
    ]
    .concat();
    let bytes = [field(1, &update), field(2, b"slave(1)@1.2.3.4:5051")].concat();

    let uuid = Some(vec![1, 2, 3, 4]);
    let message = StatusUpdateMessage {
        update: StatusUpdate {
            framework_id: FrameworkId::new("F0"),
            executor_id: Some(ExecutorId::new("executor")),
            slave_id: Some(SlaveId::new("S0")),
            status: TaskStatus {
                task_id: TaskId::new("task"),
                state: TaskState::TaskFailed.into(),
                message: Some("boom".into()),
                slave_id: Some(SlaveId::new("S0")),
                timestamp: Some(2.5),
                executor_id: Some(ExecutorId::new("executor")),
                source: Some(Source::Slave.into()),
                reason: Some(Reason::ContainerLaunchFailed.into()),
                uuid: uuid.clone(),
                ..Default::default()
            },
            timestamp: 1.5,
            uuid,
            latest_state: Some(TaskState::TaskFailed.into()),
        },
        pid: Some("slave(1)@1.2.3.4:5051".into()),
    };
    assert_eq!(message.encode_to_vec(), bytes);
    assert_eq!(StatusUpdateMessage::decode(&*bytes).unwrap(), message);
}

#[test]
fn what_is_not_carried_is_skipped() {
    let bytes = [
        field(1, &id("S0")),
        field(6, &field(1, b"operation")), // operations
        varint(5, 1),                      // update_oversubscribed_resources
        field(8, b""),                     // resource_providers
    ]
    .concat();
    let message = UpdateSlaveMessage::decode(&*bytes).unwrap();
    assert_eq!(message.slave_id, SlaveId::new("S0"));
    assert_eq!(message.update_oversubscribed_resources, Some(true));
}

#[test]
fn a_termination_keeps_a_negative_status() {
    // int32 -1 takes ten bytes.
    let minus_one = [&[3 << 3][..], &[0xff; 9], &[1]].concat();
    let bytes = [field(2, b"gone"), minus_one, varint(4, 4), varint(5, 8)].concat();
    let termination = ContainerTermination::decode(&*bytes).unwrap();
    assert_eq!(termination.status, Some(-1));
    assert_eq!(termination.state(), TaskState::TaskKilled);
    assert_eq!(termination.reason(), Reason::ContainerLimitationMemory);
    assert_eq!(termination.encode_to_vec(), bytes);
}

#[test]
fn a_nested_container_id() {
    let bytes = [field(1, b"leaf"), field(2, &id("top"))].concat();
    assert_eq!(ContainerId::decode(&*bytes).unwrap(), ContainerId::new("top").child("leaf"));
}
