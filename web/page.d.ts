/**
 * What `host/` takes from ComfyUI's page, by the types that are published for it. Every part is optional: no version has all
 * of them, so the type check asks for a guard wherever one is used.
 */

declare module "*/scripts/app.js" {
  type App = import("@comfyorg/comfyui-frontend-types").ComfyApp;
  type Manager = App["extensionManager"];
  type Graph = App["rootGraph"];
  type Node = Graph["nodes"][number];

  /** The page's history of edits of one tab; the states are workflows as they are saved. */
  interface Tracker {
    activeState?: object | null;
    initialState?: object | null;
    undoQueue?: object[];
    redoQueue?: object[];
    redo?: () => Promise<void>;
    checkState?: () => void;
    captureCanvasState?: () => void;
  }

  interface Tab {
    changeTracker?: Tracker;
  }

  interface Page {
    registerExtension?: App["registerExtension"];
    queuePrompt?: App["queuePrompt"];
    loadGraphData?: (graph: object, clean: boolean, restoreView: boolean, name: string | null) => Promise<void>;
    loadApiJson?: App["loadApiJson"];
    collectNodeMenuItems?: App["collectNodeMenuItems"];
    nodeOutputs?: App["nodeOutputs"];
    graph?: Graph & { rootGraph?: Graph };
    rootGraph?: Graph & { rootGraph?: Graph };
    canvas?: Partial<App["canvas"]>;
    extensionManager?: Partial<Pick<Manager, "registerSidebarTab" | "getSidebarTabs">> & {
      setting?: Partial<Manager["setting"]>;
      toast?: Partial<Manager["toast"]>;
      workflow?: { activeWorkflow?: Tab | null; getWorkflowByPath?: (path: string) => object | null };
      sidebarTab?: { activeSidebarTabId?: string | null; toggleSidebarTab?: (id: string) => void };
    };
  }

  export const app: Page;
}

declare module "*/scripts/api.js" {
  type Api = import("@comfyorg/comfyui-frontend-types").ComfyApi;

  export const api: Partial<Pick<Api, "clientId" | "fetchApi" | "apiURL" | "queuePrompt">> & {
    addEventListener?: (name: string, listener: (event: CustomEvent) => void) => void;
  };
}

declare var LiteGraph:
  | {
      NODE_TITLE_HEIGHT?: number;
      registered_node_types?: Record<string, { category?: string; nodeData?: { category?: string } }>;
      createNode?: (type: string) => import("*/scripts/app.js").Node | null;
    }
  | undefined;
declare var LGraphCanvas: { prototype?: { getNodeMenuOptions?: (node: object) => (object | null)[] } } | undefined;
