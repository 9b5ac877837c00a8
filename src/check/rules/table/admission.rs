//! Policies and webhooks, which stand before what is written.

use super::super::{
    selectors,
    wants::Want::{Among, Between, Field, FieldIf, One, Only, Some, With},
};
use super::Row;

pub(super) const TYPES: &[Row] = &[
    ("ApplyConfiguration", &[Field("expression")]),
    ("AuditAnnotation", &[Field("key"), Field("valueExpression")]),
    ("JSONPatch", &[Field("expression")]),
    ("MatchCondition", &[Field("name"), Field("expression")]),
    (
        "MatchResources",
        &[FieldIf("resourceRules", selectors::of_policy, "add `resourceRules:`, or nothing is matched")],
    ),
    ("MutatingAdmissionPolicy", &[Field("spec")]),
    ("MutatingAdmissionPolicyBinding", &[Field("spec")]),
    ("MutatingAdmissionPolicyBindingSpec", &[Field("policyName")]),
    (
        "MutatingAdmissionPolicySpec",
        &[Field("matchConstraints"), Field("mutations"), Field("reinvocationPolicy")],
    ),
    (
        "MutatingWebhook",
        &[
            Field("name"),
            Field("admissionReviewVersions"),
            Field("sideEffects"),
            Among("sideEffects", &["None", "NoneOnDryRun"]),
            Between("timeoutSeconds", 1, 30),
        ],
    ),
    (
        "Mutation",
        &[
            With("applyConfiguration", "patchType", "ApplyConfiguration"),
            Only("applyConfiguration", "patchType", "ApplyConfiguration"),
            With("jsonPatch", "patchType", "JSONPatch"),
            Only("jsonPatch", "patchType", "JSONPatch"),
        ],
    ),
    (
        "NamedRuleWithOperations",
        &[Field("apiGroups"), Field("apiVersions"), Field("operations"), Field("resources")],
    ),
    ("ParamKind", &[Field("apiVersion"), Field("kind")]),
    ("ParamRef", &[One(&["name", "selector"]), Field("parameterNotFoundAction")]),
    (
        "RuleWithOperations",
        &[Field("apiGroups"), Field("apiVersions"), Field("operations"), Field("resources")],
    ),
    ("ServiceReference", &[Field("name"), Field("namespace"), Between("port", 1, 65535)]),
    ("ValidatingAdmissionPolicy", &[Field("spec")]),
    ("ValidatingAdmissionPolicyBinding", &[Field("spec")]),
    ("ValidatingAdmissionPolicyBindingSpec", &[Field("policyName"), Field("validationActions")]),
    (
        "ValidatingAdmissionPolicySpec",
        &[Field("matchConstraints"), Some(&["auditAnnotations", "validations"])],
    ),
    (
        "ValidatingWebhook",
        &[
            Field("name"),
            Field("admissionReviewVersions"),
            Field("sideEffects"),
            Among("sideEffects", &["None", "NoneOnDryRun"]),
            Between("timeoutSeconds", 1, 30),
        ],
    ),
    ("Validation", &[Field("expression")]),
    ("Variable", &[Field("name"), Field("expression")]),
    ("WebhookClientConfig", &[One(&["service", "url"])]),
];
