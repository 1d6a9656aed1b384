import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ServiceError } from '../../../domain/service-error.ts';
import { BodyRoom } from './body-room.ts';
import { RequestError } from './request-error.ts';

function tooMany(error: unknown): boolean {
  return (
    error instanceof RequestError &&
    error.problem === 'too-many-requests' &&
    error.retryAfterSeconds === 5
  );
}

function overloaded(error: unknown): boolean {
  return error instanceof ServiceError && error.problem === 'overloaded';
}

describe('the room for bodies of unknown callers', () => {
  test('is bounded for each address, and for all together', () => {
    const room = new BodyRoom({ bytes: 100, bytesOfAddress: 60 });
    const [one, same, other] = [room.open('a'), room.open('a'), room.open('b')];
    one.take(30);
    same.take(30);
    assert.throws(() => one.take(1), tooMany);
    other.take(40);
    assert.throws(() => other.take(1), overloaded);
    assert.equal(room.held, 100);
  });

  test('is given back once, also after a refusal', () => {
    const room = new BodyRoom({ bytes: 100, bytesOfAddress: 60 });
    const [one, same] = [room.open('a'), room.open('a')];
    one.take(60);
    assert.throws(() => same.take(1), tooMany);
    same.release();
    assert.equal(room.held, 60);
    one.release();
    one.release();
    assert.equal(room.held, 0);
    same.take(60);
  });
});
