import { Alarm } from '../base/alarm.ts'
import { Condition } from '../base/condition.ts'
import { Patience } from '../base/patience.ts'
import { Connection, type ConnectionState } from '../broker/connection.ts'
import { ControlsBroker } from '../broker/controls.ts'
import { IntakeBroker } from '../broker/intake.ts'
import { Keys } from '../broker/keys.ts'
import { LeaseBroker } from '../broker/leases.ts'
import { Member } from '../broker/member.ts'
import { MembershipBroker } from '../broker/membership.ts'
import { SettleBroker } from '../broker/settle.ts'
import { UpkeepBroker } from '../broker/upkeep.ts'
import type { ParsedConsumerSettings } from '../define/consumer-settings.ts'
import type { Handlers } from '../define/handler.ts'
import type { RedisOptions } from '../define/redis-options.ts'
import type { Catalog, StreamDefinition } from '../define/stream.ts'
import type { Tell } from '../tell/report.ts'
import { newWarnings } from '../tell/server-settings.ts'
import type { HandlerTrace } from '../tell/trace.ts'
import { Circuit } from './controls/circuit.ts'
import { Gate } from './controls/gate.ts'
import { GroupControls } from './controls/group-controls.ts'
import { Starts } from './controls/starts.ts'
import { Holdings } from './delivery/holdings.ts'
import { Claimer } from './intake/claimer.ts'
import { HoldOff } from './intake/hold-off.ts'
import { IntakePause } from './intake/intake-pause.ts'
import { LostReplies } from './intake/lost-replies.ts'
import { Quarantine } from './intake/quarantine.ts'
import { Reader } from './intake/reader.ts'
import { LoopErrors } from './loop-errors.ts'
import { Pipeline } from './pipeline/pipeline.ts'
import { Admission } from './run/admission.ts'
import { BatchRunner } from './run/batch-runner.ts'
import { Runner } from './run/runner.ts'
import { Settler } from './settle/settler.ts'
import { HandlerSlots } from './slots/handler-slots.ts'
import { Room } from './slots/room.ts'
import { WaitingJobs } from './slots/waiting-jobs.ts'
import { HealthKeeper } from './upkeep/health.ts'
import { Janitor } from './upkeep/janitor.ts'
import { LeaseKeeper } from './upkeep/lease-keeper.ts'
import { LoadTeller } from './upkeep/load.ts'

export interface CrewOptions {
  stream: StreamDefinition
  settings: ParsedConsumerSettings
  redis: RedisOptions
  handlers: Handlers<Catalog>
  tell: Tell
  trace?: HandlerTrace | undefined
  /** Called when Redis refuses for good: ends the consumer. */
  onRefusal: (error: unknown) => void
}

/** The actors of one running consumer. */
export type Crew = ReturnType<typeof assembleCrew>

/** Wiring: creates the actors, and tells each which others it works with. */
export function assembleCrew({ stream, settings, redis, handlers, tell, trace, onRefusal }: CrewOptions) {
  const { group, consumer, leaseMs, concurrency, maxBuffered, blockMs, maxEventBytes, retry, idempotency } = settings
  const { maxDeliveries, delayMs } = retry
  const holdOff = new HoldOff(leaseMs)
  // Two, because over `maxmemory` Redis refuses what handlers write, and takes acknowledgements: these must not wait.
  const patience = { settling: new Patience(), handling: new Patience() }

  function connect(connection: 'commands' | 'reads'): Connection {
    let wasLost = false
    const onState = (state: ConnectionState, cause?: Error) => {
      tell({ kind: 'connection', connection, state, cause })
      if (connection === 'commands' && state === 'connected' && wasLost) holdOff.afterOutage()
      wasLost = state === 'lost'
    }
    const onServer = connection === 'commands' ? newWarnings(tell) : undefined
    return new Connection({ redis, name: consumer, deadlineMs: leaseMs, onState, onServer })
  }
  // Two connections: a blocking read would hold every other command up.
  const commands = connect('commands')
  const reads = connect('reads')
  const keys = new Keys(stream.name)
  const member = new Member(commands, keys, settings)
  const intake = new IntakeBroker(member)
  const membership = new MembershipBroker(member)
  const upkeep = new UpkeepBroker(member)
  const controlling = new ControlsBroker(commands, keys, group)
  const settling = new SettleBroker(member, idempotency?.ttlMs ?? 0)

  // One for the holdings and the slots, because how much room there is depends on both.
  const changed = new Condition()
  const holdings = new Holdings(changed)
  const controls = new GroupControls({ group, consumer }, { broker: controlling, tell })
  const starts = new Starts({ broker: controlling, changed })
  const gate = new Gate({ controls, starts })
  const circuit = new Circuit(settings, { broker: controlling, controls, tell })
  const leases = new LeaseBroker(member)
  const leaseKeeper = new LeaseKeeper({ group, consumer, leaseMs }, { broker: leases, holdings, tell })
  const confirmLease = leaseKeeper.confirm.bind(leaseKeeper)
  const hasRecords = idempotency !== undefined
  const admission = new Admission(
    { group, hasRecords },
    { broker: settling, patience: patience.handling, confirmLease, onRefusal },
  )
  const running = { group, consumer, timeoutMs: settings.handlerTimeoutMs }
  const runActors = { admission, gate, broker: settling, patience: patience.handling, trace, onRefusal }
  const runner = new Runner(running, handlers, runActors)
  const batchRunner = new BatchRunner(running, runActors)
  // Each needs the other: the slots take jobs from here, and a batch that becomes ripe wakes them.
  const waiting = new WaitingJobs(handlers, { runner, batchRunner }, () => slots.startWhatWaits())
  const slots: HandlerSlots = new HandlerSlots(concurrency, { waiting, changed, gate })
  const room = new Room(maxBuffered, { slots, waiting, holdings, starts, controls, changed })
  // Wakes the claimer: what this consumer parks is claimed when it is due.
  const alarm = new Alarm()
  const settler = new Settler({
    ...{ broker: settling, patience: patience.settling, onParked: (ms: number) => alarm.wakeIn(ms), tell, onRefusal },
  })
  const pipeline = new Pipeline(
    {
      ...{ group, consumer },
      decoding: { catalog: stream.catalog, maxEventBytes, leaseMs },
      policy: { maxDeliveries, delayMs, leaseMs },
    },
    { holdings, slots, settler, circuit, clock: intake.clock, tell },
  )

  const reader = new Reader(
    // A third of the lease: so a consumer with nothing to do shows that it lives as often as one that extends leases.
    { group, consumer, blockMs: Math.min(blockMs, Math.ceil(leaseMs / 3)), unblock: () => commands.unblock(reads) },
    // On the connection for reads; what it learns of Redis' clock is not asked.
    { broker: new IntakeBroker(new Member(reads, keys, settings)), room, pipeline, tell },
  )
  const lostReplies = new LostReplies({ group, consumer, leaseMs }, { broker: intake, holdings, pipeline, tell })
  const claiming = { group, consumer, leaseMs, maxDeliveries }
  const quarantine = new Quarantine(claiming, {
    ...{ broker: intake, patience: patience.settling, gate, holdings, pipeline, reader, holdOff, tell },
  })
  const claimer = new Claimer(claiming, {
    ...{ broker: intake, leases, room, pipeline, controls, lostReplies, quarantine, holdOff, alarm, tell },
  })
  const janitor = new Janitor(stream.retention, { broker: upkeep, tell })
  const health = new HealthKeeper(settings, { broker: upkeep, room, reader, controls, tell })
  const load = new LoadTeller({ group, consumer, concurrency }, { holdings, slots, tell })
  new IntakePause({ controls, reader, slots, starts, alarm })
  const loopErrors = new LoopErrors({ group }, { broker: membership, tell })

  return {
    ...{ commands, reads, membership, holdOff, holdings, slots, settler, pipeline, controls, starts },
    ...{ reader, claimer, leaseKeeper, janitor, health, load, loopErrors },
  }
}
