package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
)

// addEnums adds the values of types that are marked `+enum`: the committed documents lack them, the functions
// that a server makes its own documents with have them.
func addEnums(api *API, file string) error {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	functions := map[string]*ast.FuncDecl{}
	for _, declaration := range parsed.Decls {
		if function, is := declaration.(*ast.FuncDecl); is {
			functions[function.Name.Name] = function
		}
	}
	for name, schema := range api.definitions {
		function, there := functions[functionOf(name)]
		if !there {
			return fmt.Errorf("%s has no function %s", name, functionOf(name))
		}
		last, is := function.Body.List[len(function.Body.List)-1].(*ast.ReturnStmt)
		if !is {
			return fmt.Errorf("%s does not end with what it returns", function.Name.Name)
		}
		if err := addEnum(schema, fieldOf(definitionOf(last.Results[0]), "Schema")); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// functionOf is the name of the function that makes a definition.
func functionOf(definition string) string {
	parts := strings.Split(definition, ".")
	if strings.HasPrefix(definition, "io.k8s.api.") {
		return "schema_k8sio_api_" + strings.Join(parts[3:], "_")
	}
	if strings.HasSuffix(definition, ".pkg.runtime.RawExtension") || strings.HasSuffix(definition, ".pkg.version.Info") {
		return "schema_k8sio_apimachinery_" + strings.Join(parts[3:], "_")
	}
	if strings.HasPrefix(definition, "io.k8s.apimachinery.pkg.api.") || strings.HasPrefix(definition, "io.k8s.apimachinery.pkg.util.") {
		return "schema_apimachinery_" + strings.Join(parts[3:], "_")
	}
	return "schema_" + strings.Join(parts[3:], "_")
}

// definitionOf skips what makes two definitions of one, for OpenAPI v2 and v3.
func definitionOf(expression ast.Expr) ast.Expr {
	if call, is := expression.(*ast.CallExpr); is && len(call.Args) > 0 {
		return call.Args[0]
	}
	return expression
}

func addEnum(schema *Schema, literal ast.Expr) error {
	props := fieldOf(literal, "SchemaProps")
	if values, is := fieldOf(props, "Enum").(*ast.CompositeLit); is {
		for _, value := range values.Elts {
			text, is := value.(*ast.BasicLit)
			if !is {
				return fmt.Errorf("an enum of something that is no text")
			}
			unquoted, err := strconv.Unquote(text.Value)
			if err != nil {
				return err
			}
			schema.Enum = append(schema.Enum, unquoted)
		}
	}
	if schema.Items != nil {
		if err := addEnum(schema.Items, fieldOf(fieldOf(props, "Items"), "Schema")); err != nil {
			return err
		}
	}
	if schema.AdditionalProperties != nil {
		inner := fieldOf(fieldOf(props, "AdditionalProperties"), "Schema")
		if err := addEnum(schema.AdditionalProperties, inner); err != nil {
			return err
		}
	}
	properties := fieldOf(props, "Properties")
	for name, property := range schema.Properties {
		if err := addEnum(property, fieldOf(properties, name)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// fieldOf is what a literal of a struct or a map has under a name, or nil.
func fieldOf(expression ast.Expr, name string) ast.Expr {
	if pointer, is := expression.(*ast.UnaryExpr); is {
		expression = pointer.X
	}
	literal, is := expression.(*ast.CompositeLit)
	if !is {
		return nil
	}
	for _, element := range literal.Elts {
		pair, is := element.(*ast.KeyValueExpr)
		if !is {
			continue
		}
		switch key := pair.Key.(type) {
		case *ast.Ident:
			if key.Name == name {
				return pair.Value
			}
		case *ast.BasicLit:
			if key.Value == strconv.Quote(name) {
				return pair.Value
			}
		}
	}
	return nil
}
