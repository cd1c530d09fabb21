export { type FileContents, type FilePlace, type FileReader, formatPlace } from './file-reader.ts'
export { FileStore, openFileStore } from './file-store.ts'
export { readGatewaySettings } from './read-files.ts'
