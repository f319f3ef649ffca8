// The thread's entry beside the program, as in the product: compilers find it by this relative name.
import "../../../src/operator.ts";
