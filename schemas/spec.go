package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// API is what one version of Kubernetes serves.
type API struct {
	// Definitions by their name in OpenAPI: io.k8s.api.core.v1.Container.
	definitions map[string]*Schema
	kinds       map[ID]Kind
	lifecycles  map[ID]Lifecycle
}

// ID is a kind in a version: apps/v1 Deployment.
type ID struct{ apiVersion, kind string }

// Kind is how a kind is served.
type Kind struct {
	// namespaced, cluster, or none where no object of it is kept.
	scope string
	// The name of its definition.
	definition string
}

// Schema is the part of OpenAPI v3 that Kubernetes' own documents use.
type Schema struct {
	Ref                  string             `json:"$ref"`
	AllOf                []*Schema          `json:"allOf"`
	OneOf                []*Schema          `json:"oneOf"`
	Type                 string             `json:"type"`
	Format               string             `json:"format"`
	Default              json.RawMessage    `json:"default"`
	Enum                 []string           `json:"enum"`
	Required             []string           `json:"required"`
	Properties           map[string]*Schema `json:"properties"`
	AdditionalProperties *Schema            `json:"additionalProperties"`
	Items                *Schema            `json:"items"`
	ListType             string             `json:"x-kubernetes-list-type"`
	ListMapKeys          []string           `json:"x-kubernetes-list-map-keys"`
	Kinds                []groupVersionKind `json:"x-kubernetes-group-version-kind"`
	// Of no use here, but known: anything else stops the program, so that nothing new is overlooked.
	Description        string          `json:"description"`
	MapType            string          `json:"x-kubernetes-map-type"`
	PatchStrategy      string          `json:"x-kubernetes-patch-strategy"`
	PatchMergeKey      string          `json:"x-kubernetes-patch-merge-key"`
	Unions             json.RawMessage `json:"x-kubernetes-unions"`
	DeprecatedByOthers bool            `json:"deprecated"`
}

type groupVersionKind struct{ Group, Version, Kind string }

func (gvk groupVersionKind) id() ID {
	if gvk.Group == "" {
		return ID{gvk.Version, gvk.Kind}
	}
	return ID{gvk.Group + "/" + gvk.Version, gvk.Kind}
}

type operation struct {
	Kind *groupVersionKind `json:"x-kubernetes-group-version-kind"`
}

type document struct {
	Paths      map[string]map[string]json.RawMessage
	Components struct{ Schemas map[string]json.RawMessage }
}

// readSpecs reads the OpenAPI documents in a folder.
func readSpecs(folder string) (*API, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no OpenAPI documents in %s", folder)
	}
	api := &API{map[string]*Schema{}, map[ID]Kind{}, map[ID]Lifecycle{}}
	for _, file := range files {
		if err := api.readSpec(file); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return api, nil
}

func (api *API) readSpec(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var read document
	if err := json.Unmarshal(text, &read); err != nil {
		return err
	}
	byKind := map[ID]string{}
	for name, raw := range read.Components.Schemas {
		schema := &Schema{}
		decoder := json.NewDecoder(bytes.NewReader(raw))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(schema); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		api.definitions[name] = schema
		for _, gvk := range schema.Kinds {
			byKind[gvk.id()] = name
		}
	}
	for path, operations := range read.Paths {
		if err := api.readPath(path, operations, byKind); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

// readPath learns from a path which kind it serves, and where its objects live. A kind of which objects are
// kept has a path of one object, by its name, to which it can be written.
func (api *API) readPath(path string, operations map[string]json.RawMessage, byKind map[ID]string) error {
	writes := map[ID]string{}
	for verb, raw := range operations {
		if verb != "put" && verb != "post" && verb != "get" {
			continue
		}
		var read operation
		if err := json.Unmarshal(raw, &read); err != nil {
			return err
		}
		if read.Kind != nil {
			writes[read.Kind.id()] += verb
		}
	}
	const inNamespace = "/namespaces/{namespace}/"
	_, resource, namespaced := strings.Cut(path, inNamespace)
	scope := "namespaced"
	if !namespaced {
		scope = "cluster"
		parts := strings.SplitN(strings.TrimPrefix(path, "/"), "/", 4)
		if parts[0] == "api" {
			parts = strings.SplitN(strings.TrimPrefix(path, "/"), "/", 3)
		}
		resource = parts[len(parts)-1]
	}
	name, rest, hasRest := strings.Cut(resource, "/")
	whole := name != "" && rest == "{name}"
	// The namespace itself is `/namespaces/{name}` and nothing else is in `/watch/`.
	if strings.Contains(path, "/watch/") {
		return nil
	}
	for id, verbs := range writes {
		definition, known := byKind[id]
		if !known {
			continue
		}
		kept := whole && hasRest && strings.Contains(verbs, "put")
		if kept {
			api.kinds[id] = Kind{scope, definition}
		} else if before, there := api.kinds[id]; !there || before.scope == "none" {
			api.kinds[id] = Kind{"none", definition}
		}
	}
	return nil
}

// hasDefault says whether a default is more than Go's zero value, which every field without one has.
func (schema *Schema) hasDefault() bool {
	zeros := []string{"", `""`, "0", "false", "{}", "[]", "null"}
	return !slices.Contains(zeros, string(schema.Default))
}
