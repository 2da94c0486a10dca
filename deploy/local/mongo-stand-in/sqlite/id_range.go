package sqlite

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/FerretDB/FerretDB/internal/backends/sqlite/metadata"
	"github.com/FerretDB/FerretDB/internal/types"
)

// The index holds an _id as JSON text. Of these characters text and JSON are in the same order, and the closing quote
// comes before all of them.
var plain = regexp.MustCompile("^[#-\\[\\]-~]+$")

// idRange says by its _id which rows a filter can be true of: SQLite finds them by the index, where it would read and
// parse all rows. The filter itself is applied to them afterwards. Empty when it bounds no _id.
func idRange(filter *types.Document) (string, []any) {
	if filter == nil {
		return "", nil
	}
	value, _ := filter.Get("_id")
	switch wanted := value.(type) {
	case string:
		return idBounds([]string{"="}, []any{wanted})
	case *types.Document:
		var operators []string
		var bounds []any
		for _, name := range wanted.Keys() {
			bound, _ := wanted.Get(name)
			switch name {
			case "$eq":
				operators, bounds = append(operators, "="), append(bounds, bound)
			case "$gt", "$gte":
				operators, bounds = append(operators, ">="), append(bounds, bound)
			case "$lt", "$lte":
				operators, bounds = append(operators, "<="), append(bounds, bound)
			case "$in":
				return idOneOf(bound)
			}
		}
		return idBounds(operators, bounds)
	}
	return "", nil
}

func idBounds(operators []string, bounds []any) (string, []any) {
	var conditions []string
	var args []any
	for i, bound := range bounds {
		text, ok := bound.(string)
		if !ok || !plain.MatchString(text) {
			return "", nil
		}
		conditions = append(conditions, fmt.Sprintf("%s %s ?", metadata.IDColumn, operators[i]))
		args = append(args, `"`+text+`"`)
	}
	if len(conditions) == 0 {
		return "", nil
	}
	return " WHERE " + strings.Join(conditions, " AND "), args
}

func idOneOf(list any) (string, []any) {
	ids, ok := list.(*types.Array)
	if !ok || ids.Len() == 0 || ids.Len() > 1000 {
		return "", nil
	}
	args := make([]any, ids.Len())
	for i := range args {
		value, _ := ids.Get(i)
		text, ok := value.(string)
		if !ok || !plain.MatchString(text) {
			return "", nil
		}
		args[i] = `"` + text + `"`
	}
	return fmt.Sprintf(" WHERE %s IN (?%s)", metadata.IDColumn, strings.Repeat(", ?", len(args)-1)), args
}
