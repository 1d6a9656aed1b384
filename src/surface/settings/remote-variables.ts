/** What commands that talk to a running service take from the environment. They are no settings of it. */
export const remoteVariables = { url: 'BRIGADE_URL', token: 'BRIGADE_TOKEN' } as const;
