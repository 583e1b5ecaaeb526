//! Compiles `proto/` with protox (no protoc needed) and generates the messages with prost.

use std::{env, fs, io, path::PathBuf};

use heck::ToUpperCamelCase;
use prost::Message;
use protox::prost_reflect::prost_types::field_descriptor_proto::{Label, Type};
use protox::prost_reflect::prost_types::{DescriptorProto, FileDescriptorSet};

const FILES: [&str; 5] = [
    "mesos/mesos.proto",
    "mesos/slave/containerizer.proto",
    "mesos/fetcher/fetcher.proto",
    "messages/messages.proto",
    "messages/flags.proto",
];

/// Plain names, which people sort and use as keys; Eq and Hash come from prost already.
const IDS: [&str; 6] = [
    ".mesos.ContainerID",
    ".mesos.TaskID",
    ".mesos.ExecutorID",
    ".mesos.FrameworkID",
    ".mesos.SlaveID",
    ".mesos.OfferID",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo:rerun-if-changed=build.rs");
    for file in FILES {
        println!("cargo:rerun-if-changed={}", root.join(file).display());
    }

    let mut compiler = protox::Compiler::new([&root])?;
    compiler.include_imports(true).include_source_info(true);
    let set = compiler.open_files(FILES)?.file_descriptor_set();

    let mut config = prost_build::Config::new();
    config.enable_type_names();
    // Ordered maps: the same message always encodes to the same bytes.
    config.btree_map(["."]);
    // The one message that contains itself, where prost does not derive these.
    config.type_attribute(".mesos.ContainerID", "#[derive(Eq, Hash)]");
    for id in IDS {
        config.type_attribute(id, "#[derive(PartialOrd, Ord)]");
    }
    for file in &set.file {
        for message in &file.message_type {
            alias(&mut config, &format!(".{}", file.package()), message);
        }
    }
    config.compile_fds(set.clone())?;

    write_required(&set)?;
    write_descriptors(set)?;
    Ok(())
}

/// What `required` reads: of each message its required fields, and its fields that are messages,
/// with their index in the same list.
fn write_required(set: &FileDescriptorSet) -> io::Result<()> {
    let mut messages = Vec::new();
    for file in &set.file {
        for message in &file.message_type {
            collect(file.package(), message, &mut messages);
        }
    }
    messages.sort_by(|(one, _), (other, _)| one.cmp(other));
    let index = |name: &str| messages.iter().position(|(other, _)| name.get(1..) == Some(other));
    let mut text = "&[\n".to_owned();
    for (name, message) in &messages {
        text += &format!("    Message {{ name: {name:?}, required: &[");
        for field in message.field.iter().filter(|field| field.label() == Label::Required) {
            text += &format!("({}, {:?}), ", field.number(), field.name());
        }
        text += "], nested: &[";
        for field in message.field.iter().filter(|field| field.r#type() == Type::Message) {
            let Some(index) = index(field.type_name()) else { continue };
            let (number, name) = (field.number(), field.name());
            let repeated = field.label() == Label::Repeated;
            text += &format!(
                "Nested {{ number: {number}, name: {name:?}, repeated: {repeated}, message: {index} }}, "
            );
        }
        text += "] },\n";
    }
    text += "]\n";
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("OUT_DIR is not set"))?;
    fs::write(PathBuf::from(out).join("required.rs"), text)
}

/// Adds a message and those within it, under their full names.
fn collect<'a>(
    scope: &str,
    message: &'a DescriptorProto,
    messages: &mut Vec<(String, &'a DescriptorProto)>,
) {
    let name = format!("{scope}.{}", message.name());
    for nested in &message.nested_type {
        collect(&name, nested, messages);
    }
    messages.push((name, message));
}

/// Keeps the C++ name findable where prost respells it: `ContainerID` is `ContainerId` here.
fn alias(config: &mut prost_build::Config, scope: &str, message: &DescriptorProto) {
    let is_map_entry = message.options.as_ref().is_some_and(|options| options.map_entry());
    let path = format!("{scope}.{}", message.name());
    if message.name().to_upper_camel_case() != message.name() && !is_map_entry {
        let attribute = format!("#[doc(alias = \"{}\")]", message.name());
        config.message_attribute(&path, attribute);
    }
    for nested in &message.nested_type {
        alias(config, &path, nested);
    }
}

/// The descriptors that `json` reads at run time; without comments, which would be most of it.
fn write_descriptors(mut set: FileDescriptorSet) -> io::Result<()> {
    for file in &mut set.file {
        file.source_code_info = None;
    }
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("OUT_DIR is not set"))?;
    fs::write(PathBuf::from(out).join("descriptors.bin"), set.encode_to_vec())
}
