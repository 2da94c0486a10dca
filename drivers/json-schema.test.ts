import { Type as TypeBox } from 'typebox'
import { expect, test } from 'vitest'
import { Type } from './json-schema.ts'

/** Some of everything, as one of the two writes it. */
function schemasOf(type: typeof Type): readonly object[] {
  const text = type.String({ minLength: 2, pattern: '^a', description: 'a text' })
  return [
    text,
    type.Integer({ default: 3, minimum: 1 }),
    type.Number({ maximum: 1 }),
    type.Boolean({ default: true }),
    type.Null(),
    type.Unknown({ description: 'anything' }),
    type.Enum(['a', 'b'], { description: 'a or b' }),
    type.Union([text, type.Null()], { description: 'a text or none' }),
    type.Array(type.Optional(text), { maxItems: 3 }),
    type.Record(type.String(), type.Integer(), { description: 'by name' }),
    type.Record(type.String({ pattern: '^x' }), type.Unknown()),
    type.Object({}),
    type.Object({ a: type.Optional(text) }),
    type.Object(
      { a: type.Optional(text), b: type.Integer(), c: type.Object({ d: type.Optional(type.Null()) }) },
      { additionalProperties: false, description: 'some' },
    ),
  ]
}

test('json-schema: each schema is the one that TypeBox writes', () => {
  expect(schemasOf(Type).map((schema) => JSON.stringify(schema))).toEqual(
    schemasOf(TypeBox).map((schema) => JSON.stringify(schema)),
  )
})

test('json-schema: what may be left out is no matter of the schema that it was made of', () => {
  const text = Type.String()
  const { required } = Type.Object({ a: text, b: Type.Optional(text) })
  expect(required).toEqual(['a'])
})
