import { bodies } from './bodies.ts'
import { changes } from './changes.ts'
import { condition } from './condition.ts'
import { connectionPerRequest } from './connection-per-request.ts'
import { grpc } from './grpc.ts'
import { http2 } from './http2.ts'
import { hundredThousand } from './hundred-thousand.ts'
import { idleAndBusy } from './idle-and-busy.ts'
import { machineCheck } from './machine-check.ts'
import { manyRoutes } from './many-routes.ts'
import { memory } from './memory.ts'
import { mesh } from './mesh.ts'
import { meshPath } from './mesh-path.ts'
import { plain } from './plain.ts'
import { policies } from './policies.ts'
import type { Scenario } from './scenario.ts'
import { search } from './search.ts'
import { split } from './split.ts'
import { tcp } from './tcp.ts'
import { tls } from './tls.ts'
import { webSocket } from './web-socket.ts'

/** Everything that `npm run bench` measures, in the order in which it does. */
export const scenarios: readonly Scenario[] = [
  machineCheck,
  plain,
  split,
  condition,
  policies,
  manyRoutes,
  bodies,
  idleAndBusy,
  changes,
  connectionPerRequest,
  tls,
  http2,
  grpc,
  webSocket,
  tcp,
  search,
  hundredThousand,
  memory,
  mesh,
  meshPath,
]
