import { createApi, deleteApi, describeApi, describeApisStatus, modifyApi } from './apis.ts'
import {
  attachPlugin,
  describeAllPluginApis,
  describePluginApis,
  describePluginsByApi,
  detachPlugin,
} from './attachments.ts'
import type { Action } from './call.ts'
import { createPlugin, deletePlugin, describeOnePlugin, describePlugins, modifyPlugin } from './plugins.ts'
import { releaseService, unReleaseService } from './releases.ts'
import {
  createService,
  deleteService,
  describeOneService,
  describeServicesStatus,
  modifyService,
} from './services.ts'
import {
  createUpstream,
  deleteUpstream,
  describeUpstreamBindApis,
  describeUpstreams,
  modifyUpstream,
} from './upstreams.ts'

/** Every action of the API by the vendor's name. */
export const ACTIONS: ReadonlyMap<string, Action> = new Map(
  Object.entries({
    CreateService: createService,
    ModifyService: modifyService,
    DeleteService: deleteService,
    DescribeService: describeOneService,
    DescribeServicesStatus: describeServicesStatus,
    CreateApi: createApi,
    ModifyApi: modifyApi,
    DeleteApi: deleteApi,
    DescribeApi: describeApi,
    DescribeApisStatus: describeApisStatus,
    ReleaseService: releaseService,
    UnReleaseService: unReleaseService,
    CreateUpstream: createUpstream,
    ModifyUpstream: modifyUpstream,
    DescribeUpstreams: describeUpstreams,
    DescribeUpstreamBindApis: describeUpstreamBindApis,
    DeleteUpstream: deleteUpstream,
    CreatePlugin: createPlugin,
    ModifyPlugin: modifyPlugin,
    DescribePlugin: describeOnePlugin,
    DescribePlugins: describePlugins,
    DeletePlugin: deletePlugin,
    AttachPlugin: attachPlugin,
    DetachPlugin: detachPlugin,
    DescribePluginApis: describePluginApis,
    DescribePluginsByApi: describePluginsByApi,
    DescribeAllPluginApis: describeAllPluginApis,
  }),
)

/** Those that only ask have a name that begins so; viewers may call them. */
export function isQuestion(action: string): boolean {
  return action.startsWith('Describe')
}
