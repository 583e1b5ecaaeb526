//! Decoding as protobuf 2 has it: a message without one of its required fields is none.
//!
//! prost takes a missing required field for one with its default value. Upstream drops such a
//! message (`ProtobufProcess::handlerM` in `3rdparty/libprocess/include/process/protobuf.hpp`), and
//! so does whoever decodes with [`decode`].

use prost::Name;

/// Why bytes are no message of a type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// They are no protobuf, or their fields are of other types.
    #[error("{name}: {error}")]
    Malformed {
        /// The full name of the type.
        name: String,
        /// What is wrong with them.
        error: prost::DecodeError,
    },
    /// Required fields are missing.
    #[error("{name}: missing required fields: {}", .fields.join(", "))]
    Missing {
        /// The full name of the type.
        name: String,
        /// Their paths, in the order in which they are declared.
        fields: Vec<String>,
    },
}

/// Decodes a message, and insists on its required fields, and on those of the messages in it.
///
/// # Errors
///
/// Bytes that are no such message.
pub fn decode<M: prost::Message + Name + Default>(bytes: &[u8]) -> Result<M, DecodeError> {
    let name = M::full_name();
    // What cannot be decoded need not be searched: the walk below trusts the bytes.
    let message =
        M::decode(bytes).map_err(|error| DecodeError::Malformed { name: name.clone(), error })?;
    let mut fields = Vec::new();
    if let Ok(index) = MESSAGES.binary_search_by(|message| message.name.cmp(&name)) {
        missing(index, bytes, "", &mut fields);
    }
    if fields.is_empty() { Ok(message) } else { Err(DecodeError::Missing { name, fields }) }
}

/// A message type.
struct Message {
    name: &'static str,
    /// Numbers and names of its required fields.
    required: &'static [(u32, &'static str)],
    nested: &'static [Nested],
}

/// A field that is a message.
struct Nested {
    number: u32,
    name: &'static str,
    repeated: bool,
    /// Its index in [`MESSAGES`].
    message: usize,
}

/// All message types, by name.
static MESSAGES: &[Message] = include!(concat!(env!("OUT_DIR"), "/required.rs"));

/// Adds the paths of the required fields that are not in `bytes`.
fn missing(index: usize, bytes: &[u8], path: &str, found: &mut Vec<String>) {
    let message = &MESSAGES[index];
    let mut numbers = Vec::new();
    // The parts of a field that may be there once are parts of one message.
    let mut once: Vec<(&Nested, Vec<u8>)> = Vec::new();
    let mut many: Vec<(&Nested, &[u8])> = Vec::new();
    for (number, content) in Fields(bytes) {
        if message.required.iter().any(|(other, _)| *other == number) {
            numbers.push(number);
        }
        let Some(content) = content else { continue };
        match message.nested.iter().find(|nested| nested.number == number) {
            Some(nested) if nested.repeated => many.push((nested, content)),
            Some(nested) => match once.iter_mut().find(|(other, _)| other.number == number) {
                Some((_, parts)) => parts.extend_from_slice(content),
                None => once.push((nested, content.to_vec())),
            },
            None => {}
        }
    }
    for (number, name) in message.required {
        if !numbers.contains(number) {
            found.push(format!("{path}{name}"));
        }
    }
    for (nested, content) in &once {
        missing(nested.message, content, &format!("{path}{}.", nested.name), found);
    }
    let mut position = 0;
    for (index, (nested, content)) in many.iter().enumerate() {
        let same = index > 0 && many[index - 1].0.number == nested.number;
        position = if same { position + 1 } else { 0 };
        let path = format!("{path}{}[{position}].", nested.name);
        missing(nested.message, content, &path, found);
    }
}

/// The fields of a message that prost has decoded: numbers, and the content of those with a length.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = (u32, Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).ok()?;
        let content = match key & 7 {
            0 => {
                self.varint()?;
                None
            }
            1 => self.take(8).map(|_| None)?,
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Some(self.take(length)?)
            }
            5 => self.take(4).map(|_| None)?,
            // Groups: Mesos has none.
            _ => return None,
        };
        Some((number, content))
    }
}

impl<'a> Fields<'a> {
    fn varint(&mut self) -> Option<u64> {
        prost::encoding::decode_varint(&mut self.0).ok()
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::internal::{RegisterExecutorMessage, RunTaskMessage, StatusUpdateMessage};
    use crate::{ExecutorId, FrameworkId};
    use prost::Message as _;

    fn error<M: prost::Message + Name + Default>(bytes: &[u8]) -> String {
        decode::<M>(bytes).err().unwrap().to_string()
    }

    #[test]
    fn a_whole_message_is_decoded() {
        let message = RegisterExecutorMessage {
            framework_id: FrameworkId { value: "f".to_owned() },
            executor_id: ExecutorId { value: String::new() },
        };
        // prost leaves nothing out: an empty required field is there.
        assert_eq!(decode(&message.encode_to_vec()), Ok(message));
    }

    #[test]
    fn what_is_missing_is_named_with_its_path() {
        let name = "mesos.internal.RegisterExecutorMessage: missing required fields:";
        assert_eq!(
            error::<RegisterExecutorMessage>(&[]),
            format!("{name} framework_id, executor_id")
        );
        // Both are there, the second without its value.
        let bytes = [0x0a, 3, 0x0a, 1, b'f', 0x12, 0];
        assert_eq!(error::<RegisterExecutorMessage>(&bytes), format!("{name} executor_id.value"));
        let update = error::<StatusUpdateMessage>(&[0x0a, 0]);
        assert!(
            update.contains("update.framework_id, update.status, update.timestamp"),
            "{update}"
        );
    }

    #[test]
    fn elements_are_counted() {
        // task.resources: one that is whole, one that is empty.
        let whole = [0x0a, 4, b'c', b'p', b'u', b's', 0x10, 0];
        let resources = |content: &[u8]| [&[0x22, content.len() as u8][..], content].concat();
        let task = [resources(&whole), resources(&[])].concat();
        let bytes = [&[0x22, task.len() as u8][..], &task].concat();
        let error = error::<RunTaskMessage>(&bytes);
        assert!(error.contains("task.resources[1].name, task.resources[1].type"), "{error}");
        assert!(!error.contains("resources[0]"), "{error}");
    }

    #[test]
    fn the_parts_of_a_field_are_one_message() {
        // framework_id twice: first nothing, then the value.
        let bytes = [0x0a, 0, 0x0a, 3, 0x0a, 1, b'f', 0x12, 3, 0x0a, 1, b'e'];
        let message: RegisterExecutorMessage = decode(&bytes).unwrap();
        assert_eq!((&*message.framework_id.value, &*message.executor_id.value), ("f", "e"));
    }

    #[test]
    fn what_is_no_protobuf_is_said_to_be_none() {
        for bytes in [&[0xff][..], &[0x0a, 5, 0], &[0x08, 1], &[0x0b]] {
            let error = error::<RegisterExecutorMessage>(bytes);
            assert!(error.starts_with("mesos.internal.RegisterExecutorMessage: "), "{error}");
            assert!(!error.contains("missing"), "{error}");
        }
    }

    /// Every type is found under the name that its messages have.
    #[test]
    fn the_list_is_sorted_and_whole() {
        assert!(MESSAGES.is_sorted_by(|one, other| one.name < other.name));
        for name in [StatusUpdateMessage::full_name(), FrameworkId::full_name()] {
            assert!(MESSAGES.iter().any(|message| message.name == name), "{name}");
        }
    }
}
