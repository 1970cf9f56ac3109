//! The API is described as it is.

use crate::support::{House, Page, Reviewer, four};
use axum::{
    body::Body,
    http::{Request, header},
};
use serde_json::{Value, json};

async fn document(ann: &Reviewer) -> Value {
    ann.opens("/api/openapi.json").await.json()
}

/// A request for every documented operation that must succeed, by method and path.
fn examples() -> [(&'static str, &'static str, Value); 6] {
    let messages = json!([{ "role": "user", "content": "How?" }]);
    [
        ("get", "/healthz", Value::Null),
        ("get", "/metrics", Value::Null),
        ("get", "/v1/models", Value::Null),
        ("get", "/v1/models/{id}", Value::Null),
        ("post", "/v1/chat/completions", json!({ "model": "base", "messages": messages, "n": 2 })),
        ("post", "/v1/completions", json!({ "model": "base", "prompt": "x", "echo": true })),
    ]
}

async fn sends(ann: &Reviewer, method: &str, path: &str, body: &Value) -> Page {
    let request = Request::builder().method(method.to_uppercase().as_str()).uri(path.replace("{id}", "base"));
    let request = request.header(header::CONTENT_TYPE, "application/json");
    ann.sends(request.body(Body::from(body.to_string())).unwrap()).await
}

#[tokio::test]
async fn every_documented_operation_answers_as_it_is_documented() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    let document = document(&ann).await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| item.as_object().unwrap().keys().map(move |it| (it, path)));
    for (method, path) in operations {
        let example = examples().into_iter().find(|it| it.0 == method && it.1 == path);
        let (.., body) = example.unwrap_or_else(|| panic!("there is no example of {method} {path}"));
        let page = sends(&ann, method, path, &body).await;
        assert_eq!(page.status, 200, "{method} {path}: {}", page.body);
        let content = &paths[path][method]["responses"]["200"]["content"];
        if let Some(schema) = content["application/json"].get("schema") {
            fits(&page.json(), schema, &document, &format!("{method} {path}"));
        }
    }
    assert_eq!(paths.len(), examples().len());
}

#[tokio::test]
async fn faults_are_documented_too() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    let document = document(&ann).await;
    let page = ann.posts("/v1/completions", json!({ "model": "base" })).await;
    let schema =
        &document["paths"]["/v1/completions"]["post"]["responses"]["4XX"]["content"]["application/json"]["schema"];
    fits(&page.json(), schema, &document, "a fault");
}

#[tokio::test]
async fn a_field_is_documented_exactly_if_it_is_taken() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    let document = document(&ann).await;
    for (_, path, body) in examples().into_iter().filter(|it| it.0 == "post") {
        let schema = &document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"];
        let names = properties(schema, &document);
        assert!(names.len() > 30, "{names:?}");
        for (name, field) in names {
            let Some(value) = field["enum"].get(0) else { continue };
            let mut body = body.clone();
            body[&name] = value.clone();
            assert_eq!(sends(&ann, "post", path, &body).await.status, 200, "{name}: {value}");
            body[&name] = json!("something else");
            assert_eq!(sends(&ann, "post", path, &body).await.status, 400, "{name}");
        }
        let mut strange = body.clone();
        strange["strange"] = json!(1);
        assert_eq!(sends(&ann, "post", path, &strange).await.status, 400);
    }
}

#[tokio::test]
async fn the_page_runs_its_own_scripts_alone_and_brings_them_along() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    let page = ann.opens("/api").await;
    let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    let nonce = policy.split("'nonce-").nth(1).and_then(|it| it.split('\'').next()).expect("scripts need a nonce");
    assert!(!policy.contains("unsafe-inline"), "{policy}");
    assert_eq!(page.body.matches("<script").count(), page.body.matches(&format!("nonce=\"{nonce}\"")).count());
    for (name, kind) in [("swagger-ui-bundle.js", "javascript"), ("swagger-ui.css", "css")] {
        let path = format!("/api/swagger/{name}");
        assert!(page.body.contains(&path));
        let file = ann.opens(&path).await;
        assert_eq!(file.status, 200);
        assert!(file.headers[header::CONTENT_TYPE].to_str().unwrap().contains(kind));
    }
    assert_eq!(ann.opens("/api/swagger/nothing.js").await.status, 404);
    assert!(!page.body.contains("://"), "nothing comes from elsewhere: {}", page.body);
}

fn resolved<'a>(schema: &'a Value, document: &'a Value) -> &'a Value {
    match schema.get("$ref") {
        Some(path) => {
            let pointer = path.as_str().unwrap().trim_start_matches('#');
            document.pointer(pointer).unwrap_or_else(|| panic!("{pointer} leads nowhere"))
        }
        None => schema,
    }
}

/// All properties of an object, those of its parts among them.
fn properties(schema: &Value, document: &Value) -> Vec<(String, Value)> {
    let schema = resolved(schema, document);
    let own = schema["properties"].as_object().into_iter().flatten().map(|(name, it)| (name.clone(), it.clone()));
    let parts = schema["allOf"].as_array().into_iter().flatten().flat_map(|it| properties(it, document));
    own.chain(parts).collect()
}

fn required(schema: &Value, document: &Value) -> Vec<String> {
    let schema = resolved(schema, document);
    let own = schema["required"].as_array().into_iter().flatten().map(|it| it.as_str().unwrap().to_owned());
    let parts = schema["allOf"].as_array().into_iter().flatten().flat_map(|it| required(it, document));
    own.chain(parts).collect()
}

/// Whether a value is what its schema says: no property too many, none missing, each of its type.
fn fits(value: &Value, schema: &Value, document: &Value, at: &str) {
    let schema = resolved(schema, document);
    if let Some(options) = schema.get("oneOf").or(schema.get("anyOf")) {
        let options = options.as_array().unwrap().iter().filter(|it| it["type"] != "null");
        return if !value.is_null() {
            options.for_each(|it| fits(value, it, document, at))
        };
    }
    let kinds = schema["type"].as_array().cloned().unwrap_or_else(|| vec![schema["type"].clone()]);
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let is_kind = |it: &Value| it.is_null() || it == kind || (it == "integer" && kind == "number");
    assert!(kinds.iter().any(is_kind), "{at} is {value}, not {kinds:?}");
    match value {
        Value::Object(fields) if !properties(schema, document).is_empty() => {
            let properties = properties(schema, document);
            for (name, value) in fields {
                let field = properties.iter().find(|it| it.0 == *name);
                let (_, field) = field.unwrap_or_else(|| panic!("{at}.{name} is not documented"));
                fits(value, field, document, &format!("{at}.{name}"));
            }
            let missing: Vec<_> =
                required(schema, document).into_iter().filter(|it| !fields.contains_key(it)).collect();
            assert!(missing.is_empty(), "{at} lacks {missing:?}");
        }
        Value::Array(items) => items.iter().for_each(|it| fits(it, &schema["items"], document, &format!("{at}[]"))),
        _ => {}
    }
}
