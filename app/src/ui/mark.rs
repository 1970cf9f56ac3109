//! The marks of roles and labels: a shape or glyph that always stands with its word.

use domain::{Role, Verdict, slot_letter};
use leptos::prelude::*;

/// The shape and letter of a role, beside its model's name.
#[component]
pub fn Mark(role: Role) -> impl IntoView {
    let role = role.as_str();
    view! {
        <svg class="mark" data-role=role aria-hidden="true">
            <use href=format!("/sprite.svg#m-{role}")></use>
        </svg>
    }
}

/// The mark of a role where the model's name has no room.
#[component]
pub fn NamedMark(role: Role, name: String) -> impl IntoView {
    let role = role.as_str();
    view! {
        <svg class="mark" data-role=role role="img" aria-label=name>
            <use href=format!("/sprite.svg#m-{role}")></use>
        </svg>
    }
}

/// The letter of a column whose model is hidden.
#[component]
pub fn Slot(number: u32) -> impl IntoView {
    view! { <span class="slot">{slot_letter(number)}</span> }
}

/// The glyph of a verdict, beside its word.
#[component]
pub fn Glyph(verdict: Verdict) -> impl IntoView {
    let word = verdict.as_str();
    view! {
        <svg class="glyph" data-label=word aria-hidden="true">
            <use href=format!("/sprite.svg#l-{word}")></use>
        </svg>
    }
}

/// The shape by which a role's points are drawn in charts.
#[component]
pub fn Point(role: Role) -> impl IntoView {
    let role = role.as_str();
    view! {
        <svg class="mark-s role-fill" data-role=role viewBox="-5 -5 10 10" aria-hidden="true">
            <use href=format!("/sprite.svg#p-{role}")></use>
        </svg>
    }
}
