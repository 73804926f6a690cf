import type { ILayoutRestorer, JupyterFrontEnd } from "@jupyterlab/application";
import { WidgetTracker } from "@jupyterlab/apputils";
import { ABCWidgetFactory, type DocumentRegistry, DocumentWidget } from "@jupyterlab/docregistry";
import type { LabIcon } from "@jupyterlab/ui-components";
import type { Widget } from "@lumino/widgets";
import { NoContentModelFactory } from "./no_content";

/** A kind of file whose bytes the page never needs: the server reads it. */
export interface FileKind {
  /** JupyterLab's name of the file type. */
  name: string;
  displayName: string;
  /** With its dot. */
  extension: string;
  mimeType: string;
  icon: LabIcon;
}

/** One way to look at a kind of file. */
export interface Viewer<T extends Widget> {
  /** In the menu "Open With". */
  name: string;
  /** Under which JupyterLab remembers its open tabs. */
  namespace: string;
  create(context: DocumentRegistry.Context): T;
}

/** Wraps what a viewer makes into a tab of JupyterLab. */
class ViewerFactory<T extends Widget> extends ABCWidgetFactory<DocumentWidget<T>> {
  readonly #viewer: Viewer<T>;

  constructor(
    options: DocumentRegistry.IWidgetFactoryOptions<DocumentWidget<T>>,
    viewer: Viewer<T>,
  ) {
    super(options);
    this.#viewer = viewer;
  }

  protected override createNewWidget(context: DocumentRegistry.Context): DocumentWidget<T> {
    const widget = new DocumentWidget({ content: this.#viewer.create(context), context });
    widget.toolbar.hide();
    return widget;
  }
}

/**
 * Open a kind of file with some viewers; the first is what a double click opens. Their tabs are
 * there again after the page was loaded anew.
 */
export function openWith(
  app: JupyterFrontEnd,
  restorer: ILayoutRestorer | null,
  kind: FileKind,
  viewers: readonly Viewer<Widget>[],
): void {
  const { docRegistry } = app;
  const models = new NoContentModelFactory(`ortviz-${kind.name}-file`);
  docRegistry.addModelFactory(models);
  docRegistry.addFileType({
    name: kind.name,
    displayName: kind.displayName,
    extensions: [kind.extension],
    mimeTypes: [kind.mimeType],
    fileFormat: null,
    contentType: "file",
    icon: kind.icon,
  });
  for (const [index, viewer] of viewers.entries()) {
    const factory = new ViewerFactory(
      {
        name: viewer.name,
        modelName: models.name,
        fileTypes: [kind.name],
        defaultFor: index === 0 ? [kind.name] : [],
        readOnly: true,
      },
      viewer,
    );
    docRegistry.addWidgetFactory(factory);
    remember(factory, restorer, viewer, kind.icon);
  }
}

function remember<T extends Widget>(
  factory: ViewerFactory<T>,
  restorer: ILayoutRestorer | null,
  viewer: Viewer<T>,
  icon: LabIcon,
): void {
  const { name, namespace } = viewer;
  const tracker = new WidgetTracker<DocumentWidget<T>>({ namespace });
  factory.widgetCreated.connect((_, widget) => {
    widget.title.icon = icon;
    widget.context.pathChanged.connect(() => void tracker.save(widget));
    void tracker.add(widget);
  });
  void restorer?.restore(tracker, {
    command: "docmanager:open",
    args: (widget) => ({ path: widget.context.path, factory: name }),
    name: (widget) => widget.context.path,
  });
}
