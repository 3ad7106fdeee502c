// Graphviz's libraries, loaded when the first graph is laid out, so that programs that draw none need them
// not. The names are those of their headers.

#pragma once

#include <graphviz/gvc.h>

namespace chainrule {

/// What is needed of Graphviz's libraries libgvc and libcgraph, under the names there. They are loaded by the
/// first who asks.
struct Graphviz {
  /// IoError where they are not installed.
  static const Graphviz& get();

  decltype(&::agclose) agclose;
  decltype(&::agfstin) agfstin;
  decltype(&::agfstnode) agfstnode;
  decltype(&::agfstout) agfstout;
  decltype(&::agmemread) agmemread;
  decltype(&::agnnodes) agnnodes;
  decltype(&::agnxtin) agnxtin;
  decltype(&::agnxtnode) agnxtnode;
  decltype(&::agnxtout) agnxtout;
  decltype(&::agsafeset) agsafeset;
  decltype(&::agseterrf) agseterrf;
  decltype(&::gvContext) gvContext;
  decltype(&::gvFreeLayout) gvFreeLayout;
  decltype(&::gvFreeRenderData) gvFreeRenderData;
  decltype(&::gvLayout) gvLayout;
  decltype(&::gvRenderData) gvRenderData;

 private:
  Graphviz();
};

}  // namespace chainrule
