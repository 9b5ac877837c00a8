//! Devices and claims of them.

use super::super::{
    devices,
    wants::Want::{Field, Keyed, Least, Mapping, NotBoth, One, Rule},
};
use super::Row;

pub(super) const TYPES: &[Row] = &[
    ("CELDeviceSelector", &[Field("expression")]),
    ("CapacityRequestPolicy", &[NotBoth("validValues", "validRange")]),
    ("CounterSet", &[Field("name"), Field("counters"), Keyed("counters")]),
    ("Device", &[Field("name"), Rule(devices::of_device)]),
    (
        "DeviceAttribute",
        &[One(&["bool", "bools", "int", "ints", "string", "strings", "version", "versions"])],
    ),
    ("DeviceCapacity", &[Rule(devices::of_capacity)]),
    ("DeviceClaim", &[Rule(devices::of_claim)]),
    ("DeviceClaimConfiguration", &[Field("opaque")]),
    ("DeviceClassConfiguration", &[Field("opaque")]),
    ("DeviceConstraint", &[One(&["distinctAttribute", "matchAttribute"])]),
    ("DeviceCounterConsumption", &[Field("counterSet"), Field("counters"), Keyed("counters")]),
    ("DeviceRequest", &[Field("name"), One(&["exactly", "firstAvailable"])]),
    ("DeviceSelector", &[Field("cel")]),
    ("DeviceSubRequest", &[Field("name"), Field("deviceClassName")]),
    ("DeviceTaint", &[Field("effect")]),
    ("ExactDeviceRequest", &[Field("deviceClassName")]),
    ("OpaqueDeviceConfiguration", &[Field("driver"), Field("parameters"), Mapping("parameters")]),
    ("ResourcePool", &[Field("name"), Least("resourceSliceCount", 1)]),
    (
        "ResourceSliceSpec",
        &[
            Field("driver"),
            Field("pool"),
            One(&["allNodes", "nodeName", "nodeSelector", "perDeviceNodeSelection"]),
            NotBoth("devices", "sharedCounters"),
            Rule(devices::of_slice),
        ],
    ),
];
