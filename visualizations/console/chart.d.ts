/** The ticket client's statechart, laid out when the console is built, from the machine itself. */
declare module "virtual:ticket-client-chart" {
  interface TextLine {
    readonly x: number;
    readonly y: number;
    readonly text: string;
    readonly anchor: "start" | "middle";
  }
  interface Box {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
    readonly lines: readonly TextLine[];
  }
  interface Point {
    readonly x: number;
    readonly y: number;
  }
  const chart: {
    readonly width: number;
    readonly height: number;
    readonly boxes: readonly (Box & { readonly state: string })[];
    readonly notes: readonly Box[];
    readonly dots: readonly { readonly center: Point; readonly radius: number }[];
    readonly arrows: readonly {
      readonly from: string | null;
      readonly to: string | null;
      readonly start: Point;
      readonly curves: readonly { readonly by: readonly [Point, Point]; readonly to: Point }[];
      readonly tip: Point & { readonly towards: "down" | "up" | "left" };
      readonly label: Box | null;
    }[];
  };
  export default chart;
}
