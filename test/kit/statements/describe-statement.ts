import type { Client, Connection, FieldDef } from 'pg';

/**
 * The columns that a statement returns, as PostgreSQL describes them: it parses and plans the statement, and
 * does not run it.
 */
export function describeStatement(client: Client, text: string): Promise<readonly FieldDef[]> {
  const { promise, resolve, reject } = Promise.withResolvers<readonly FieldDef[]>();
  let fields: readonly FieldDef[] = [];
  client.query({
    submit(connection: Connection) {
      connection.parse({ name: '', text, types: [] }, true);
      connection.describe({ type: 'S', name: '' }, true);
      connection.sync();
    },
    // What `pg` calls for the answers.
    handleRowDescription: (message: { readonly fields: readonly FieldDef[] }) => {
      fields = message.fields;
    },
    handleError: reject,
    handleReadyForQuery: () => resolve(fields),
  });
  return promise;
}
