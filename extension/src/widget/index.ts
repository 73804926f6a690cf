import type { Experimental, RenderProps } from "@anywidget/types";
import "./index.css";

/** What Python's widget class synchronises. */
interface WidgetModel {
  title: string;
}

function render({ model, el }: RenderProps<WidgetModel> & { experimental?: Experimental }) {
  const heading = document.createElement("h3");
  const update = () => {
    heading.textContent = model.get("title") ?? "";
  };
  update();
  el.classList.add("ortviz");
  el.append(heading);
  model.on("change:title", update);
  return () => model.off("change:title", update);
}

export default { render };
