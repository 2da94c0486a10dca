import type { TestMutant } from './mutants.ts'

/** Of what Kafka keeps, and acknowledges. */
export const logMutants: readonly TestMutant[] = [
  {
    guarantee: 'G1',
    name: 'a record is acknowledged by its leader alone',
    file: 'drivers/kafka/producer.ts',
    from: 'acks: -1,',
    to: 'acks: 1,',
    project: 'unit',
    tests: 'drivers/kafka/producer',
    title: 'G1',
  },
  {
    guarantee: 'G1',
    name: 'a topic whose leader may acknowledge alone is taken',
    file: 'drivers/kafka/topic-settings.ts',
    from: 'replicas > 1 ? [REPLICATED] : []',
    to: 'replicas > 9 ? [REPLICATED] : []',
    project: 'unit',
    tests: 'drivers/kafka/topic-settings',
    title: 'several replicas',
  },
]
