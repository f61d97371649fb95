/** One error of a generated validator (ajv's ErrorObject, as far as it is read). */
export interface SchemaError {
  keyword: string;
  instancePath: string;
  schemaPath: string;
  params: Record<string, unknown>;
  message?: string;
}
