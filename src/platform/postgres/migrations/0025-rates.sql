-- What is left of each rate that all processes share: src/domain/access/rates.ts. Not logged, as attempts are: after a crash
-- of the server every rate begins with all that a minute allows.
create unlogged table rates (
  -- SHA-256 of what is counted.
  digest bytea primary key,
  left_over double precision not null,
  -- What the last request got.
  granted double precision not null,
  at timestamptz not null
);
