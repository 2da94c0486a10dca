import { expect, test } from 'vitest'
import { type TopicFound, topicProblems } from './topic-settings.ts'

const right = { 'message.timestamp.type': 'LogAppendTime', 'cleanup.policy': 'delete' }

function found(replicas: number, settings: Readonly<Record<string, string>>): TopicFound {
  return { topic: 'usage.events', replicas, settings: new Map(Object.entries({ ...right, ...settings })) }
}

test('topics: one with several replicas that acknowledges what a single one has is refused, with what mends it', () => {
  expect(topicProblems(found(3, { 'min.insync.replicas': '1' }))).toEqual([
    'topic usage.events has min.insync.replicas=1: what was acknowledged would be lost with one broker where the others were behind; kafka-configs --alter --topic usage.events --add-config min.insync.replicas=2',
  ])
  expect(topicProblems(found(2, { 'min.insync.replicas': '1' }))).toHaveLength(1)
  expect(topicProblems(found(2, {}))).toHaveLength(1)
})

test('topics: one with a single replica, or two in step at least, is taken', () => {
  expect(topicProblems(found(1, { 'min.insync.replicas': '1' }))).toEqual([])
  for (const inSync of ['2', '3', '10'])
    expect(topicProblems(found(3, { 'min.insync.replicas': inSync }))).toEqual([])
})

test('topics: dead letters that take no large record are refused, any other topic with that bound is taken', () => {
  const small = found(1, { 'max.message.bytes': '1048588' })
  expect(topicProblems(small)).toEqual([])
  expect(topicProblems({ ...small, topic: 'dead.letters' })).toHaveLength(1)
})
