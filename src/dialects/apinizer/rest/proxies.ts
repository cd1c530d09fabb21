import type { JsonObject } from '../../../model/json.ts'
import { listField, objectField, textField } from '../../../model/json-fields.ts'
import { deploymentId, NAME, NAME_WORDS, proxyId } from '../kinds.ts'
import { concealSecret } from '../own-form.ts'
import { type Call, deploymentResult } from './call.ts'
import { CallError } from './call-error.ts'

/** Proxies, their endpoints and where they are deployed (spec/apinizer.md 10). */

export async function createProxy(call: Call, [project]: readonly [string]): Promise<JsonObject> {
  const { projectName = null, ...fields } = call.fields()
  const name = textField(fields, 'apiProxyName')
  if (name === null) throw new CallError(400, 'apiProxyName is required')
  if (!NAME.test(project)) throw new CallError(400, `the name of a project is ${NAME_WORDS}`)
  if ((projectName ?? project) !== project)
    throw new CallError(400, `projectName is ${project}, the one of the path; it may be left out`)
  if (!NAME.test(name)) throw new CallError(400, `apiProxyName must be ${NAME_WORDS}`)
  if (textField(fields, 'apiProxyCreationType') === null)
    throw new CallError(400, 'apiProxyCreationType is required: REVERSE_PROXY or EMPTY_API')
  const others = await call.list('proxies')
  const same = others.find(({ value }) => textField(value, 'apiProxyName') === name)
  if (same !== undefined)
    throw new CallError(
      400,
      `an API proxy is called ${name} already, in the project ${textField(same.value, 'projectName') ?? 'default'}`,
    )
  const proxy = { projectName: project, ...fields }
  const put = await call.put('proxies', proxyId(project, name), proxy)
  const { changes, answer } = await call.deployments(project, name, proxy)
  await call.write([put, ...changes])
  return { success: true, ...answer }
}

export async function listProxies(call: Call, [project]: readonly [string]): Promise<JsonObject> {
  const proxies = (await call.list('proxies')).filter(({ key }) => key.id.startsWith(`${project}.`))
  const resultList = proxies.map(({ value }) => ({
    name: textField(value, 'apiProxyName') ?? '',
    description: textField(value, 'apiProxyDescription') ?? '',
    type: textField(value, 'apiProxyCreationType') ?? 'REVERSE_PROXY',
    relativePath: listField(objectField(value, 'clientRoute') ?? {}, 'relativePathList').join(', '),
  }))
  return { status: 'SUCCESS', resultList, resultCount: resultList.length }
}

export async function showProxy(call: Call, [project, name]: readonly [string, string]): Promise<JsonObject> {
  const { value } = await call.proxy(project, name)
  const deployed = await call.deploymentsOf(project, name)
  return {
    status: 'SUCCESS',
    resultList: [concealSecret(value)],
    resultCount: 1,
    deployedEnvironmentNameList: deployed.map(({ value: own }) => textField(own, 'environmentName') ?? ''),
  }
}

/** With everything that is deployed of it. */
export async function deleteProxy(
  call: Call,
  [project, name]: readonly [string, string],
): Promise<JsonObject> {
  call.refuseOthers()
  const proxy = await call.proxy(project, name)
  const deployed = await call.deploymentsOf(project, name)
  await call.write([...deployed, proxy].map((one) => call.remove(one)))
  return { success: true }
}

export async function addEndpoint(
  call: Call,
  [project, name]: readonly [string, string],
): Promise<JsonObject> {
  const { key, value } = await call.proxy(project, name)
  const proxy = { ...value, endpoints: [...listField(value, 'endpoints'), call.fields()] }
  const put = await call.put('proxies', key.id, proxy)
  const { changes, answer } = await call.deployments(project, name, proxy)
  await call.write([put, ...changes])
  return { success: true, ...answer }
}

export async function deploy(
  call: Call,
  [project, name, environment]: readonly [string, string, string],
): Promise<JsonObject> {
  call.refuseOthers()
  const { value } = await call.proxy(project, name)
  await call.write([await call.deployment(project, name, value, environment, 404)])
  return { success: true, deploymentResult: deploymentResult([environment]) }
}

export async function undeploy(
  call: Call,
  [project, name, environment]: readonly [string, string, string],
): Promise<JsonObject> {
  call.refuseOthers()
  const deployed = await call.find('deployments', deploymentId(project, name, environment))
  if (deployed === undefined) {
    await call.proxy(project, name)
    call.checkEnvironment(environment)
    throw new CallError(404, `${name} is not deployed to ${environment}`)
  }
  await call.write([call.remove(deployed)])
  return { success: true }
}
