"""The primitive behind three papers: how a sample's weight would change the labelled loss. Imports `machine`.

engines    d L_meta(w_hat) / d s_j for all j at once, by three engines that agree
tape       the forward-mode product through a pass already made
rules      the tangents of the operators that a convolutional network spends its time in
encoders   those of an encoder of texts: products, layer norm, GELU, dropout
"""
