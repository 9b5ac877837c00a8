package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

const header = `# What the kinds of Kubernetes look like. Made by "just schemas"; not edited by hand.
#
# From the OpenAPI documents, the enums and the lifecycles in the Go modules of Kubernetes %s,
# Copyright The Kubernetes Authors, Apache License 2.0. Descriptions are left out.
#
# A line may begin with the minors that it holds for: "31-33" or, up to the newest, "34-".
#   kind VERSION KIND namespaced|cluster|none TYPE     "none": no object of it is kept
#   goes VERSION KIND since=MINOR removed=MINOR instead=VERSION,KIND
#   type NAME, and below it its fields, "!" behind those that must be there:
#     FIELD TYPE by=KEYS|value default=JSON
# "[T]" is a sequence, "{T}" a mapping to T, "A"|"B" one of these texts.
# Before names of types without "io.k8s." stands "io.k8s.api.".
minors %s
`

// Merged is what several versions serve, each line with the versions that have it.
type Merged struct {
	versions   []string
	kinds      map[string]uint64
	types      map[string]uint64
	fields     map[string]map[string]uint64
	lifecycles map[ID]Lifecycle
}

func newMerged(versions []string) *Merged {
	return &Merged{versions, map[string]uint64{}, map[string]uint64{}, map[string]map[string]uint64{}, maps.Clone(said)}
}

// minor is 36 of 1.36.3.
func (merged *Merged) minor(n int) int {
	minor, err := strconv.Atoi(strings.Split(merged.versions[n], ".")[1])
	if err != nil {
		panic(err)
	}
	return minor
}

func (merged *Merged) add(n int, api *API) error {
	bit := uint64(1) << n
	for id, kind := range api.kinds {
		written := scalars[kind.definition]
		if kind.scope == "none" {
			written = "any"
		} else if written == "" {
			written = short(kind.definition)
			if err := merged.addType(bit, api, kind.definition); err != nil {
				return err
			}
		}
		merged.kinds[fmt.Sprintf("kind %s %s %s %s", id.apiVersion, id.kind, kind.scope, written)] |= bit
	}
	for id, life := range api.lifecycles {
		kind, served := api.kinds[id]
		// Nobody writes objects of what only lists, asks or answers.
		written := !strings.HasSuffix(id.kind, "List") && !strings.HasSuffix(id.kind, "Options") && (!served || kind.scope != "none")
		if written && (life.deprecated != 0 || life.removed != 0) {
			merged.lifecycles[id] = life
		}
	}
	return nil
}

func (merged *Merged) addType(bit uint64, api *API, name string) error {
	if merged.types[name]&bit != 0 {
		return nil
	}
	merged.types[name] |= bit
	schema, there := api.definitions[name]
	if !there || schema.Type != "object" || schema.AdditionalProperties != nil {
		return fmt.Errorf("%s is no struct", name)
	}
	if merged.fields[name] == nil {
		merged.fields[name] = map[string]uint64{}
	}
	for field, inner := range schema.Properties {
		written, err := merged.expression(bit, api, inner)
		if err != nil {
			return fmt.Errorf("%s.%s: %w", name, field, err)
		}
		line := field
		if slices.Contains(schema.Required, field) {
			line += "!"
		}
		line += " " + written
		switch {
		case inner.ListType == "set":
			line += " by=value"
		case inner.ListType == "map":
			line += " by=" + strings.Join(inner.ListMapKeys, ",")
		}
		if inner.hasDefault() {
			if bytes.ContainsAny(inner.Default, " ") {
				return fmt.Errorf("%s.%s: a default with blanks: %s", name, field, inner.Default)
			}
			line += " default=" + string(inner.Default)
		}
		merged.fields[name][line] |= bit
	}
	return nil
}

// Definitions that are no struct with fields.
var scalars = map[string]string{
	"io.k8s.apimachinery.pkg.api.resource.Quantity":                                         "quantity",
	"io.k8s.apimachinery.pkg.apis.meta.v1.Duration":                                         "duration",
	"io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1":                                         "any",
	"io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime":                                        "micro-time",
	"io.k8s.apimachinery.pkg.apis.meta.v1.Time":                                             "time",
	"io.k8s.apimachinery.pkg.runtime.RawExtension":                                          "any",
	"io.k8s.apimachinery.pkg.util.intstr.IntOrString":                                       "int-or-string",
	"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON":                         "any",
	"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray":       "any",
	"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool":        "any",
	"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray": "any",
}

// expression is how a type is written.
func (merged *Merged) expression(bit uint64, api *API, schema *Schema) (string, error) {
	reference := schema.Ref
	if len(schema.AllOf) == 1 {
		reference = schema.AllOf[0].Ref
	}
	if name, is := strings.CutPrefix(reference, "#/components/schemas/"); is {
		if written, is := scalars[name]; is {
			return written, nil
		}
		return short(name), merged.addType(bit, api, name)
	}
	if len(schema.Enum) > 0 {
		quoted := make([]string, len(schema.Enum))
		for n, value := range schema.Enum {
			// Blanks and bars separate what stands in a line.
			quoted[n] = strings.NewReplacer(" ", `\u0020`, "|", `\u007c`).Replace(strconv.Quote(value))
		}
		slices.Sort(quoted)
		return strings.Join(quoted, "|"), nil
	}
	wrap := func(left string, inner *Schema, right string) (string, error) {
		written, err := merged.expression(bit, api, inner)
		return left + written + right, err
	}
	switch fmt.Sprint(schema.Type, " ", schema.Format) {
	case "string ":
		return "text", nil
	case "string byte":
		return "byte", nil
	case "integer int32":
		return "int32", nil
	case "integer int64":
		return "int64", nil
	case "number double":
		return "number", nil
	case "boolean ":
		return "boolean", nil
	case "array ":
		return wrap("[", schema.Items, "]")
	case "object ":
		if schema.AdditionalProperties != nil && schema.Properties == nil {
			return wrap("{", schema.AdditionalProperties, "}")
		}
	}
	text, _ := json.Marshal(schema)
	return "", fmt.Errorf("this is not understood: %s", text)
}

func short(definition string) string {
	return strings.TrimPrefix(definition, "io.k8s.api.")
}

// minors is how a set of versions is written before a line, of those that `all` has.
func (merged *Merged) minors(set, all uint64) string {
	if set == all {
		return ""
	}
	var parts []string
	for n := 0; n < len(merged.versions); n++ {
		if set>>n&1 == 0 {
			continue
		}
		first := n
		for n+1 < len(merged.versions) && set>>(n+1)&1 == 1 {
			n++
		}
		switch {
		case n == len(merged.versions)-1:
			parts = append(parts, fmt.Sprintf("%d-", merged.minor(first)))
		case n == first:
			parts = append(parts, strconv.Itoa(merged.minor(n)))
		default:
			parts = append(parts, fmt.Sprintf("%d-%d", merged.minor(first), merged.minor(n)))
		}
	}
	return strings.Join(parts, ",") + " "
}

func (merged *Merged) text() (string, error) {
	var out strings.Builder
	all := uint64(1)<<len(merged.versions) - 1
	numbers := make([]string, len(merged.versions))
	for n := range numbers {
		numbers[n] = strconv.Itoa(merged.minor(n))
	}
	fmt.Fprintf(&out, header, strings.Join(merged.versions, ", "), strings.Join(numbers, " "))
	for _, line := range slices.Sorted(maps.Keys(merged.kinds)) {
		fmt.Fprintln(&out, merged.minors(merged.kinds[line], all)+line)
	}
	for _, id := range slices.SortedFunc(maps.Keys(merged.lifecycles), compare) {
		life := merged.lifecycles[id]
		fmt.Fprintf(&out, "goes %s %s", id.apiVersion, id.kind)
		if life.deprecated != 0 {
			fmt.Fprintf(&out, " since=%d", life.deprecated)
		}
		if life.removed != 0 {
			fmt.Fprintf(&out, " removed=%d", life.removed)
		}
		if life.replacement.kind != "" {
			fmt.Fprintf(&out, " instead=%s,%s", life.replacement.apiVersion, life.replacement.kind)
		}
		fmt.Fprintln(&out)
	}
	for _, name := range slices.Sorted(maps.Keys(merged.types)) {
		within := merged.types[name]
		fmt.Fprintln(&out, merged.minors(within, all)+"type "+short(name))
		for _, line := range slices.Sorted(maps.Keys(merged.fields[name])) {
			fmt.Fprintln(&out, " "+merged.minors(merged.fields[name][line], within)+line)
		}
	}
	return out.String(), nil
}

func compare(a, b ID) int {
	return cmp.Or(strings.Compare(a.apiVersion, b.apiVersion), strings.Compare(a.kind, b.kind))
}
