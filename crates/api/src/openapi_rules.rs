//! Rules of the OpenAPI document for all bodies and headers.

use utoipa::openapi::{
    OpenApi, Ref, RefOr, Schema,
    path::{Operation, Parameter, ParameterIn, PathItem},
    schema::{
        AdditionalProperties, KnownFormat, Object, ObjectBuilder, OneOfBuilder, SchemaFormat, Type,
    },
};

/// One entity tag or several, or any (RFC 9110, 13.1).
const ENTITY_TAGS: &str = r#"^(\*|(W/)?"[ !#-~]*"( *, *(W/)?"[ !#-~]*")*)$"#;

/// The pattern of [`IdempotencyKey::new`](todo_domain::IdempotencyKey::new).
const IDEMPOTENCY_KEY: &str = r#"^([!#-~]([ -~]{0,253}[!-~])?|"[ -~]{1,255}")$"#;

/// Forbids additional fields in every body.
pub(crate) fn close_bodies(document: &mut OpenApi) {
    let names: Vec<String> = document
        .paths
        .paths
        .values_mut()
        .flat_map(operations)
        .filter_map(|operation| match &operation.request_body {
            Some(RefOr::T(body)) => Some(body.content.values()),
            _ => None,
        })
        .flatten()
        .filter_map(|content| match content {
            RefOr::T(content) => content.schema.as_ref(),
            RefOr::Ref(_) => None,
        })
        .filter_map(|schema| match schema {
            RefOr::Ref(reference) => reference.ref_location.rsplit('/').next(),
            RefOr::T(_) => None,
        })
        .map(str::to_owned)
        .collect();
    let components = document.components.get_or_insert_default();
    for name in names {
        if let Some(RefOr::T(Schema::Object(body))) = components.schemas.get_mut(&name) {
            close(body);
        }
    }
}

/// Adds the schema of each command of a batch.
pub(crate) fn describe_operations_of_a_batch(document: &mut OpenApi) {
    let schemas = &mut document.components.get_or_insert_default().schemas;
    let body = |name: &str| match schemas.get(name) {
        Some(RefOr::T(Schema::Object(body))) => body.clone(),
        _ => Object::default(),
    };
    let kinds = [
        ("create", "CreateOperation", body("CreateTask"), false),
        ("update", "UpdateOperation", body("UpdateTask"), true),
        ("complete", "CompleteOperation", Object::new(), true),
        ("delete", "DeleteOperation", Object::new(), true),
    ];
    let mut any = OneOfBuilder::new();
    for (op, name, mut object, has_id) in kinds {
        let op_schema = ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some([op]));
        object.properties.insert("op".to_owned(), op_schema.into());
        object.required.push("op".to_owned());
        if has_id {
            let id = ObjectBuilder::new()
                .schema_type(Type::String)
                .description(Some("The id of the task"))
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)));
            object.properties.insert("id".to_owned(), id.into());
            object.required.push("id".to_owned());
        }
        object.description = Some(format!("A `{op}` command of a batch."));
        close(&mut object);
        any = any.item(Ref::from_schema_name(name));
        schemas.insert(name.to_owned(), Schema::Object(object).into());
    }
    schemas.insert("Operation".to_owned(), Schema::OneOf(any.build()).into());
}

/// Adds the patterns of request headers.
pub(crate) fn describe_headers(document: &mut OpenApi) {
    let operations = document.paths.paths.values_mut().flat_map(operations);
    for parameter in operations.filter_map(|operation| operation.parameters.as_mut()) {
        for parameter in parameter {
            let RefOr::T(parameter) = parameter else {
                continue;
            };
            describe_header(parameter);
        }
    }
}

fn describe_header(parameter: &mut Parameter) {
    if parameter.parameter_in != ParameterIn::Header {
        return;
    }
    let text = ObjectBuilder::new().schema_type(Type::String);
    let text = match parameter.name.as_str() {
        "If-Match" | "If-None-Match" => text.pattern(Some(ENTITY_TAGS)).examples(["\"3\""]),
        "Idempotency-Key" => text
            .pattern(Some(IDEMPOTENCY_KEY))
            .examples(["8e03978e-40d5-43dd-bc93-6894a57f9324"]),
        _ => text,
    };
    parameter.schema = Some(text.into());
}

/// The operations of a path.
pub(crate) fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem {
        get,
        put,
        post,
        delete,
        patch,
        ..
    } = item;
    [get, put, post, delete, patch].into_iter().flatten()
}

fn close(object: &mut Object) {
    object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
}
