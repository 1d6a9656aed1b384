import { type TSchema, Type } from 'typebox';

/** Of a cursor that a client sends back: a key has up to 3,072 bytes, and three bytes take four characters. */
export const CURSOR_CHARACTERS_MAX = 8_192;

/** The error body of OMS, and with `request_id` that of its gateway. */
export const Problem = Type.Object(
  {
    error_code: Type.String({ description: 'OMS.nnnn, or APIGW.nnnn if no task was involved' }),
    error_msg: Type.String(),
    error_detail: Type.Optional(
      Type.String({ description: 'Extension: the field that is wrong, and what to change' }),
    ),
    request_id: Type.Optional(Type.String({ description: 'In gateway errors only' })),
  },
  { $id: 'Problem' },
);

const problem = (description: string) => Type.Ref('Problem', { description });

/** The refusals that every route with a credential can answer. */
export const problems = {
  400: problem('Bad request'),
  401: problem('The credential is missing or not known'),
  403: problem('The caller may not do this, or not in this project'),
  429: problem('More than is let through; send it again after Retry-After seconds'),
  500: problem('Internal error'),
  503: problem('Too busy, or the database is away; send it again after Retry-After seconds'),
};

/** The refusals of routes that name something to manage, and of those that make or change one. */
export const namedProblems = { ...problems, 404: problem('No such thing') };
export const changeProblems = { ...problems, 409: problem('The name is taken, or it is in use') };

export const manageProblems = { ...namedProblems, ...changeProblems };

/** The refusals of routes that name a task. */
export const taskProblems = { ...problems, 404: problem('No such task in this project') };

/** Of routes that take a body. */
export const tooLarge = problem('The body has more bytes than this call takes');

/** An answer of zero bytes. */
export const Nothing = Type.Null({ description: 'Done; the body is empty' });

const projectId = Type.String({ minLength: 1, maxLength: 1024, description: 'The project ID' });

export const ProjectPath = Type.Object({ project_id: projectId });

export const TaskPath = Type.Object({
  project_id: projectId,
  sync_task_id: Type.String({
    minLength: 1,
    maxLength: 1024,
    description: 'The synchronization task ID',
  }),
});

/** The last moment that dates can be written of. */
export const YEAR_9999_END_MS = 253_402_300_799_999;
const LONG_MAX = 2 ** 63;

/** Milliseconds since the Unix epoch, up to the end of the year 9999. */
export const timestamp = (description: string) =>
  Type.Integer({ minimum: 0, maximum: YEAR_9999_END_MS, description });

/** Of 13 digits, as in OMS: a time in seconds would mean January 1970. */
const queried = {
  'minimum': 1_000_000_000_000,
  'x-hint': 'milliseconds since 1970, which have 13 digits; a time in seconds has 10',
} as const;

/** A time that a client sends; no end, as with a Long of OMS's clients, though no date may be so late. */
export const anyTime = (description: string) =>
  Type.Integer({ ...queried, maximum: LONG_MAX, description });

/** A time that a client sends, up to the end of the year 9999. */
export const queryTime = (description: string) =>
  Type.Integer({ ...queried, maximum: YEAR_9999_END_MS, description });

/** One of a closed list of words. */
export const oneOf = <Word extends string>(
  words: readonly Word[],
  options: {
    readonly 'description'?: string;
    readonly 'default'?: NoInfer<Word>;
    readonly 'x-hint'?: string;
  } = {},
) => Type.Enum<Word[]>([...words], { type: 'string', ...options });

/** A value, or an explicit `null` where there is none. */
export const orNull = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);
